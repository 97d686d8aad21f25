import { createHash } from 'node:crypto';
import { type ClusterState, stale, type StaleHostComponent } from '@stackyard/planner';
import type { Logger } from '@stackyard/kernel';
import { renderAll } from '../commands/planning.ts';
import type { Renderer } from '../commands/renderer.ts';
import type { PlanningStacks } from '../stacks/store.ts';

/** Remembered for this many clusters. */
const MOST = 50;
/** What cannot be rendered is tried again after this long, or when something changes. */
const FAILURE_KEPT_MS = 60_000;

interface Known {
  readonly key: string;
  found: Promise<readonly StaleHostComponent[]>;
  until: number;
}

/** Which host components run with other files than their service's newest config would give. */
export class Staleness {
  readonly #stacks: PlanningStacks;
  readonly #renderer: Pick<Renderer, 'render'>;
  readonly #log: Logger;
  readonly #known = new Map<string, Known>();

  constructor(parts: { stacks: PlanningStacks; renderer: Pick<Renderer, 'render'>; log: Logger }) {
    this.#stacks = parts.stacks;
    this.#renderer = parts.renderer;
    this.#log = parts.log;
  }

  /** Renders only when something that rendering depends on has changed since the last time. Nothing is stale by what cannot be rendered. */
  async of(state: ClusterState): Promise<ReadonlyMap<string, StaleHostComponent>> {
    const key = keyOf(state);
    let known = this.#known.get(state.id);
    if (known?.key !== key || known.until < performance.now()) known = this.#look(state, key);
    // The one asked for last is forgotten last.
    this.#known.delete(state.id);
    this.#known.set(state.id, known);
    const oldest = this.#known.keys().next().value;
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
    const installed = new Set(
      state.services.flatMap(({ hostComponents }) =>
        hostComponents.filter(({ applied }) => applied).map(({ id }) => id),
      ),
    );
    return new Map(
      (await known.found)
        .filter(({ hostComponentId }) => installed.has(hostComponentId))
        .map((entry) => [entry.hostComponentId, entry]),
    );
  }

  #look(state: ClusterState, key: string): Known {
    const known: Known = { key, until: Infinity, found: this.#render(state) };
    known.found = known.found.catch((error: unknown) => {
      this.#log.warn({ err: error, cluster: state.name }, 'Whether host components are stale could not be told');
      known.until = performance.now() + FAILURE_KEPT_MS;
      return [];
    });
    return known;
  }

  async #render(state: ClusterState): Promise<readonly StaleHostComponent[]> {
    return stale(state, state, await renderAll(state, { stacks: this.#stacks, renderer: this.#renderer }));
  }
}

/** Changes with everything that a file or a process is made of. */
function keyOf(state: ClusterState): string {
  const hash = createHash('sha256');
  const used = new Set<string>();
  for (const { id, stack, configVersion, generated, hostComponents } of state.services) {
    hash.update(JSON.stringify([id, stack.digest, configVersion, generated]));
    for (const { id: hostComponent, hostId, ordinal, applied, appliedValues, stackDigest } of hostComponents) {
      used.add(hostId);
      hash.update(
        JSON.stringify([hostComponent, hostId, ordinal, applied ?? null, appliedValues ?? null, stackDigest ?? null]),
      );
    }
  }
  for (const { id, name, address, bind, root, local, facts } of state.hosts) {
    if (used.has(id)) hash.update(JSON.stringify([id, name, address, bind, root, local, facts]));
  }
  return hash.digest('hex');
}
