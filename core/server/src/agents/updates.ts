import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Architecture, ARCHITECTURES, type Records } from '@stackyard/contract';
import type { Logger } from '@stackyard/kernel';
import type { EntityManager } from '@mikro-orm/postgresql';
import { NotFoundError } from '../api/errors.ts';
import { Host, type HostRow } from '../database/entities.ts';
import type { Engine } from '../engine/ports.ts';
import type { Bundles } from './bundles.ts';
import { UpdateRunningError } from './errors.ts';

export interface HostUpdate {
  readonly hostId: string;
  readonly name: string;
  /** From 1 on. */
  readonly wave: number;
  /** ROLLED_BACK: the agent came back as it was. LOST: it did not come back at all. */
  readonly state: 'WAITING' | 'UPDATING' | 'UPDATED' | 'ROLLED_BACK' | 'LOST' | 'SKIPPED';
  readonly message: string | null;
}

export interface AgentUpdateRun {
  readonly id: string;
  readonly version: string;
  readonly state: 'RUNNING' | 'PAUSED' | 'SUCCESSFUL' | 'FAILED';
  readonly message: string | null;
  readonly trialSeconds: number;
  /** Stops once after the first wave. */
  readonly pauseAfterFirst: boolean;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly finishedAt: string | null;
  readonly hosts: readonly HostUpdate[];
}

export interface UpdateOrder {
  /** Names or ids; every host when absent. */
  readonly hosts?: readonly string[] | undefined;
  readonly waveSize: number;
  readonly pauseAfterFirst: boolean;
  readonly trialSeconds: number;
  readonly createdBy: string;
}

const COLLECTION = 'server.agentUpdates';
const LOOK_MS = 250;
/** Fetching the bundle may take this long before the trial begins. */
const FETCH_MS = 20 * 60_000;
/** How long an agent may be away beyond its trial before it counts as lost. */
const AWAY_MS = 60_000;

/**
 * Brings the agents of hosts to the version that this server has, wave by wave; one that does not come up stops it. What
 * runs on the hosts goes on all the while.
 */
export class AgentUpdates {
  readonly #parts: {
    em: () => EntityManager;
    engine: Pick<Engine, 'reachable' | 'updateAgent'>;
    bundles: Bundles;
    records: Records;
    log: Logger;
  };
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(parts: {
    em: () => EntityManager;
    engine: Pick<Engine, 'reachable' | 'updateAgent'>;
    bundles: Bundles;
    records: Records;
    log: Logger;
  }) {
    this.#parts = parts;
  }

  /** What was running when the server went away stopped there: agents that were told go on by themselves. */
  async recover(): Promise<void> {
    for (const { value } of await this.#parts.records.list<AgentUpdateRun>(COLLECTION, { limit: 50 }))
      if (value.state === 'RUNNING') await this.#end(value, 'The server was stopped meanwhile. Run the update again.');
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** @throws UpdateRunningError, NotFoundError for a host that is none, BundleUnavailableError */
  async start(order: UpdateOrder): Promise<AgentUpdateRun> {
    if (this.#running) throw new UpdateRunningError({});
    const version = await this.#parts.bundles.version();
    const hosts = await this.#wanted(order.hosts);
    const now = new Date().toISOString();
    let place = 0;
    const run: AgentUpdateRun = {
      id: randomUUID(),
      version,
      state: 'RUNNING',
      message: null,
      trialSeconds: order.trialSeconds,
      pauseAfterFirst: order.pauseAfterFirst,
      createdBy: order.createdBy,
      createdAt: now,
      finishedAt: null,
      hosts: hosts.map((host): HostUpdate => {
        const reason = this.#skipped(host, version);
        const wave = Math.floor((reason === undefined ? place++ : place) / order.waveSize) + 1;
        const { id: hostId, name } = host;
        return { hostId, name, wave, state: reason === undefined ? 'WAITING' : 'SKIPPED', message: reason ?? null };
      }),
    };
    return this.#begin(run);
  }

  /** Goes on after the pause. @throws NotFoundError when there is none that waits, UpdateRunningError */
  async continue(id: string): Promise<AgentUpdateRun> {
    if (this.#running) throw new UpdateRunningError({});
    const run = await this.get(id);
    if (run.state !== 'PAUSED') throw new NotFoundError({ what: 'paused update', name: id });
    return this.#begin({ ...run, state: 'RUNNING', pauseAfterFirst: false, message: null });
  }

  /** @throws NotFoundError */
  async get(id: string): Promise<AgentUpdateRun> {
    const run = await this.#parts.records.get<AgentUpdateRun>(COLLECTION, id);
    if (!run) throw new NotFoundError({ what: 'update of agents', name: id });
    return run;
  }

  async #begin(run: AgentUpdateRun): Promise<AgentUpdateRun> {
    const begun = Promise.withResolvers<void>();
    this.#running = begun.promise
      .then(() => this.#run(run))
      .catch((error: unknown) => this.#parts.log.error({ err: error, update: run.id }, 'An update of agents broke off'))
      .finally(() => (this.#running = undefined));
    await this.#save(run);
    begun.resolve();
    return run;
  }

  async #run(from: AgentUpdateRun): Promise<void> {
    let run = from;
    const changed = async (host: HostUpdate): Promise<void> => {
      run = { ...run, hosts: run.hosts.map((each) => (each.hostId === host.hostId ? host : each)) };
      await this.#save(run);
    };
    for (;;) {
      const wave = run.hosts.find(({ state }) => state === 'WAITING')?.wave;
      if (wave === undefined) return this.#end(run);
      if (wave > 1 && run.pauseAfterFirst)
        return this.#save({ ...run, state: 'PAUSED', message: 'The first wave is done. Look at it, then continue.' });
      const members = run.hosts.filter((host) => host.wave === wave && host.state === 'WAITING');
      await Promise.all(members.map((host) => this.#bring(host, run, changed)));
      if (this.#stop.signal.aborted) return this.#end(run, 'The server was stopped meanwhile. Run the update again.');
      const failed = run.hosts.filter(({ state }) => state === 'ROLLED_BACK' || state === 'LOST');
      if (failed.length > 0) {
        const names = failed.map(({ name }) => name).join(', ');
        return this.#end(run, `Stopped after wave ${wave}, because of ${names}. The other hosts keep their agents.`);
      }
    }
  }

  async #bring(host: HostUpdate, run: AgentUpdateRun, changed: (host: HostUpdate) => Promise<void>): Promise<void> {
    await changed({ ...host, state: 'UPDATING' });
    const ended = await this.#tried(host, run).catch((error: unknown): Pick<HostUpdate, 'state' | 'message'> => {
      if (!this.#stop.signal.aborted)
        this.#parts.log.error({ err: error, host: host.name }, 'An agent was not updated');
      return { state: 'LOST', message: (error as Error).message };
    });
    await changed({ ...host, ...ended });
  }

  async #tried(
    { hostId }: HostUpdate,
    { version, trialSeconds }: AgentUpdateRun,
  ): Promise<Pick<HostUpdate, 'state' | 'message'>> {
    const { engine, bundles } = this.#parts;
    const before = await this.#find(hostId);
    const architecture = before && architectureOf(before);
    if (!architecture) throw new Error('The host has gone, or its processor is not known.');
    const { sha256, size } = await bundles.get(architecture);
    engine.updateAgent(hostId, { version, digest: `agent-sha256-${sha256}`, size, trialSeconds });
    const deadline = performance.now() + FETCH_MS + trialSeconds * 1000;
    // An earlier failure is told until the agent has begun with this one.
    let isFresh = failureOf(before, version) === undefined;
    let seen = performance.now();
    for (;;) {
      await delay(LOOK_MS, undefined, { signal: this.#stop.signal });
      const now = await this.#find(hostId);
      if (!now) return { state: 'LOST', message: 'The host was removed.' };
      const reachable = engine.reachable(hostId);
      if (reachable) seen = performance.now();
      if (reachable && now.agentVersion === version) return { state: 'UPDATED', message: null };
      const failure = failureOf(now, version);
      isFresh ||= failure === undefined;
      if (reachable && isFresh && failure !== undefined) return { state: 'ROLLED_BACK', message: failure };
      const away = performance.now() - seen > trialSeconds * 1000 + AWAY_MS;
      if (away || performance.now() > deadline)
        return { state: 'LOST', message: `The agent has not come back. See launcher.log and agent.log on the host.` };
    }
  }

  #skipped(host: HostRow, version: string): string | undefined {
    if (host.agentVersion === version) return 'It has this version already.';
    if (!this.#parts.engine.reachable(host.id)) return 'It is out of reach.';
    if (host.facts?.more['agent.launcher'] !== 'true') return 'No launcher runs its agent: it was started by hand.';
    return architectureOf(host) ? undefined : 'There is no agent for its processor.';
  }

  async #wanted(named: readonly string[] | undefined): Promise<HostRow[]> {
    const all = await this.#parts.em().find(Host, {}, { orderBy: { name: 'asc' } });
    if (!named) return all;
    const unknown = named.find((each) => !all.some(({ id, name }) => id === each || name === each));
    if (unknown !== undefined) throw new NotFoundError({ what: 'host', name: unknown });
    return all.filter(({ id, name }) => named.includes(id) || named.includes(name));
  }

  async #find(hostId: string): Promise<HostRow | undefined> {
    return (await this.#parts.em().findOne(Host, { id: hostId })) ?? undefined;
  }

  async #end(run: AgentUpdateRun, message?: string): Promise<void> {
    const hosts = run.hosts.map((host) =>
      host.state === 'WAITING' || host.state === 'UPDATING'
        ? { ...host, state: 'SKIPPED' as const, message: 'The update stopped before.' }
        : host,
    );
    const state = message === undefined ? 'SUCCESSFUL' : 'FAILED';
    await this.#save({ ...run, hosts, state, message: message ?? null, finishedAt: new Date().toISOString() });
  }

  async #save(run: AgentUpdateRun): Promise<void> {
    await this.#parts.records.put(COLLECTION, run.id, run);
  }
}

function architectureOf({ facts }: HostRow): Architecture | undefined {
  return ARCHITECTURES.find((each) => each === facts?.arch);
}

/** Why an agent gave this version up, as it says itself. */
function failureOf({ facts }: HostRow, version: string): string | undefined {
  const said = facts?.more['agent.failed'];
  return said?.startsWith(`${version} `) ? `The new agent ${said.slice(version.length + 1)}.` : undefined;
}
