import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterState } from '@stackyard/planner';

/** How much longer than a read took the next one of the same cluster waits: reading never takes more than a fifth of the time. */
const PAUSES = 4;

/**
 * Present states of clusters for many who ask at about the same time, such as all hosts of a cluster in the middle of a
 * job: they share one read, which begins after the last of them has asked.
 */
export class PresentStates {
  readonly #read: (clusterId: string) => Promise<ClusterState | undefined>;
  readonly #waiting = new Map<string, Promise<ClusterState | undefined>>();
  readonly #busy = new Map<string, Promise<void>>();

  constructor(read: (clusterId: string) => Promise<ClusterState | undefined>) {
    this.#read = read;
  }

  of(clusterId: string): Promise<ClusterState | undefined> {
    const waiting = this.#waiting.get(clusterId);
    if (waiting) return waiting;
    const next = this.#readAfter(clusterId, this.#busy.get(clusterId));
    this.#waiting.set(clusterId, next);
    return next;
  }

  async #readAfter(clusterId: string, before: Promise<void> | undefined): Promise<ClusterState | undefined> {
    await before;
    this.#waiting.delete(clusterId);
    const startedMs = performance.now();
    const reading = this.#read(clusterId);
    const pause = reading.then(
      () => delay((performance.now() - startedMs) * PAUSES, undefined, { ref: false }),
      () => undefined,
    );
    this.#busy.set(clusterId, pause);
    void pause.then(() => this.#busy.get(clusterId) === pause && this.#busy.delete(clusterId));
    return reading;
  }
}
