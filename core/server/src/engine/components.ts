import type { Pool } from 'pg';
import type { HostComponentRow } from '../database/entities.ts';
import type { SeenComponent } from './sessions/messages.ts';
import type { Change } from './writer/changes.ts';

type Known = Pick<HostComponentRow, 'id' | 'clusterId' | 'hostId' | 'service' | 'component'> & {
  /** What was last written of it. */
  last: string;
};

/** Turns what agents see of their components into rows and events; what did not change costs nothing. */
export class ObservedComponents {
  readonly #sql: Pool;
  readonly #known = new Map<string, Known>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(sql: Pool) {
    this.#sql = sql;
  }

  /** In the order of the calls, although the first look at a component asks the database: the last word counts. */
  changes(hostId: string, seen: readonly SeenComponent[], now: Date): Promise<Change> {
    const change = this.#turn.then(() => this.#changes(hostId, seen, now));
    this.#turn = change.catch(() => undefined);
    return change;
  }

  async #changes(hostId: string, seen: readonly SeenComponent[], now: Date): Promise<Change> {
    await this.#learn(seen.map(({ id }) => id).filter((id) => !this.#known.has(id)));
    const changed = seen.flatMap((component) => {
      const known = this.#known.get(component.id);
      // An agent speaks for its own host only.
      if (known?.hostId !== hostId) return [];
      const { observed, message, role, restarts, pid } = component;
      const said = JSON.stringify([observed, message, role, restarts, pid]);
      if (known.last === said) return [];
      known.last = said;
      return [{ known, component }];
    });
    return {
      components: changed.map(({ component: { id, observed, message, role, restarts, pid } }) => ({
        id,
        seen: {
          observed,
          observedAt: now,
          observedMessage: message || null,
          role: role || null,
          restarts,
          pid: pid || null,
        },
      })),
      events: changed.map(({ known, component: { id, observed, message, role, restarts } }) => ({
        topic: 'component',
        clusterId: known.clusterId,
        key: `component:${id}`,
        payload: {
          kind: 'component',
          hostComponentId: id,
          service: known.service,
          component: known.component,
          hostId,
          observed,
          restarts,
          ...(message === '' ? {} : { message }),
          ...(role === '' ? {} : { role }),
        },
      })),
    };
  }

  forget(id: string): void {
    this.#known.delete(id);
  }

  async #learn(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const { rows } = await this.#sql.query<Omit<Known, 'last'>>({
      name: 'host-components',
      text: `select id, cluster_id as "clusterId", host_id as "hostId", service, component
             from host_component where id::text = any($1::text[])`,
      values: [ids],
    });
    for (const row of rows) this.#known.set(row.id, { ...row, last: '' });
  }
}
