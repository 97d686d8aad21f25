import type { AgentMessage__Output } from '@stackyard/proto';
import type { AgentSays } from './sessions/messages.ts';
import { fromWire } from './sessions/wire.ts';

/** Messages of one stream in their order, also where one has to wait for the database. */
export class Inbox {
  readonly #waiting: AgentSays[] = [];
  readonly #handle: (message: AgentSays) => Promise<void> | undefined;
  #busy = false;
  #drained: PromiseWithResolvers<void> | undefined;

  /** @param handle returns a promise when the next message has to wait for this one */
  constructor(handle: (message: AgentSays) => Promise<void> | undefined) {
    this.#handle = handle;
  }

  /** Gives back a promise when some have to wait: bring no more until it resolves, or they pile up. */
  take(messages: readonly AgentMessage__Output[]): Promise<void> | undefined {
    for (const message of messages) {
      const said = fromWire(message);
      if (said) this.#waiting.push(said);
    }
    this.#pump();
    if (!this.#busy) return undefined;
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  #pump(): void {
    while (!this.#busy) {
      const message = this.#waiting.shift();
      if (!message) {
        this.#drained?.resolve();
        this.#drained = undefined;
        return;
      }
      const later = this.#handle(message);
      if (!later) continue;
      this.#busy = true;
      void later.finally(() => {
        this.#busy = false;
        this.#pump();
      });
    }
  }
}
