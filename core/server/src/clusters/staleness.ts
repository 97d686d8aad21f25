import { createHash } from 'node:crypto';
import { type ClusterState, stale, type StaleHostComponent } from '@stackyard/planner';
import { renderAll } from '../commands/planning.ts';
import type { Renderer } from '../commands/renderer.ts';
import type { StackStore } from '../stacks/store.ts';

/** Remembered for this many clusters. */
const MOST = 50;

/** Which host components run with other files than their service's newest config would give. */
export class Staleness {
  readonly #stacks: StackStore;
  readonly #renderer: Renderer;
  readonly #known = new Map<string, { readonly key: string; readonly found: Promise<readonly StaleHostComponent[]> }>();

  constructor(parts: { stacks: StackStore; renderer: Renderer }) {
    this.#stacks = parts.stacks;
    this.#renderer = parts.renderer;
  }

  /** Renders only when something that rendering depends on has changed since the last time. */
  async of(state: ClusterState): Promise<ReadonlyMap<string, StaleHostComponent>> {
    const key = keyOf(state);
    let known = this.#known.get(state.id);
    if (known?.key !== key) {
      const found = renderAll(state, { stacks: this.#stacks, renderer: this.#renderer }).then((rendered) => stale(state, state, rendered));
      found.catch(() => this.#known.delete(state.id));
      known = { key, found };
      this.#known.delete(state.id);
      this.#known.set(state.id, known);
      const oldest = this.#known.keys().next().value;
      if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
    }
    const installed = new Set(state.services.flatMap(({ hostComponents }) => hostComponents.filter(({ applied }) => applied).map(({ id }) => id)));
    return new Map((await known.found).filter(({ hostComponentId }) => installed.has(hostComponentId)).map((entry) => [entry.hostComponentId, entry]));
  }
}

function keyOf(state: ClusterState): string {
  const hash = createHash('sha256');
  for (const service of state.services) {
    hash.update(JSON.stringify([service.id, service.stack.digest, service.configVersion]));
    for (const { id, applied, ordinal, hostId } of service.hostComponents) hash.update(JSON.stringify([id, hostId, ordinal, applied ?? null]));
  }
  for (const host of state.hosts) hash.update(JSON.stringify([host.id, host.address, host.bind, host.root]));
  return hash.digest('hex');
}
