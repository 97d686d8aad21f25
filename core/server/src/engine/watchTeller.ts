import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@stackyard/kernel';
import type { WatchedComponent } from '@stackyard/proto';

export interface WatchTellerOptions {
  readonly watchedOn: (hostId: string) => Promise<WatchedComponent[]>;
  readonly tell: (hostId: string, components: WatchedComponent[]) => void;
  readonly log: Logger;
}

/** How long more changes of a host are waited for. */
const GATHER_MS = 50;

/**
 * Tells agents what to watch, one host after the other: what a host is to watch is read from the whole cluster's state,
 * and a job on many hosts changes many at once. A host that changes again while it waits is told once.
 */
export class WatchTeller {
  readonly #options: WatchTellerOptions;
  readonly #waiting = new Set<string>();
  #busy = false;
  #stopped = false;

  constructor(options: WatchTellerOptions) {
    this.#options = options;
  }

  changed(hostId: string): void {
    this.#waiting.add(hostId);
    if (this.#busy || this.#stopped) return;
    this.#busy = true;
    void this.#work().finally(() => {
      this.#busy = false;
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#waiting.clear();
  }

  async #work(): Promise<void> {
    await delay(GATHER_MS, undefined, { ref: false });
    for (const hostId of this.#waiting) {
      this.#waiting.delete(hostId);
      try {
        const components = await this.#options.watchedOn(hostId);
        if (this.#stopped) return;
        this.#options.tell(hostId, components);
      } catch (error) {
        this.#options.log.error({ err: error, hostId }, 'An agent could not be told what to watch');
      }
    }
  }
}
