import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@stackyard/kernel';
import type { WatchedComponent } from '@stackyard/proto';

export interface WatchTellerOptions {
  readonly watchedOn: (hostId: string) => Promise<WatchedComponent[]>;
  /** The stream on which the agent of a host is heard; undefined while there is none. */
  readonly streamOf: (hostId: string) => number | undefined;
  readonly tell: (stream: number, components: WatchedComponent[]) => void;
  readonly log: Logger;
}

/** How long more changes are waited for. */
const GATHER_MS = 50;
/** Hosts at a time: they share a look at their cluster, and the lists of a thousand need not be in memory at once. */
const AT_ONCE = 100;

/** What the agent on this stream knows. */
interface Told {
  readonly stream: number;
  readonly digest: string;
}

/**
 * Tells agents what to watch. It is read from the whole cluster's state, so hosts that change at about the same time
 * are looked at together; a host that changes again while it waits is told once, and what an agent knows is not repeated.
 */
export class WatchTeller {
  readonly #options: WatchTellerOptions;
  readonly #waiting = new Set<string>();
  readonly #told = new Map<string, Told>();
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

  /** The host is gone. */
  forget(hostId: string): void {
    this.#waiting.delete(hostId);
    this.#told.delete(hostId);
  }

  stop(): void {
    this.#stopped = true;
    this.#waiting.clear();
  }

  async #work(): Promise<void> {
    while (this.#waiting.size > 0) {
      await delay(GATHER_MS, undefined, { ref: false });
      const hosts = [...this.#waiting].slice(0, AT_ONCE);
      for (const hostId of hosts) this.#waiting.delete(hostId);
      await Promise.all(hosts.map((hostId) => this.#look(hostId)));
    }
  }

  async #look(hostId: string): Promise<void> {
    const { watchedOn, streamOf, tell, log } = this.#options;
    try {
      const components = await watchedOn(hostId);
      const stream = streamOf(hostId);
      if (this.#stopped || stream === undefined) return;
      const digest = createHash('sha256').update(JSON.stringify(components)).digest('base64');
      const told = this.#told.get(hostId);
      if (told?.stream === stream && told.digest === digest) return;
      this.#told.set(hostId, { stream, digest });
      tell(stream, components);
    } catch (error) {
      log.error({ err: error, hostId }, 'An agent could not be told what to watch');
    }
  }
}
