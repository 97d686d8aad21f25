import type { AgentMessage__Output } from '@stackyard/proto';
import type { AgentSays } from './sessions/messages.ts';
import { fromWire } from './sessions/wire.ts';

/** Messages of one stream in their order, also where one has to wait for the database. */
export class Inbox {
  readonly #waiting: AgentSays[] = [];
  readonly #handle: (message: AgentSays) => Promise<void> | undefined;
  #busy = false;

  /** @param handle returns a promise when the next message has to wait for this one */
  constructor(handle: (message: AgentSays) => Promise<void> | undefined) {
    this.#handle = handle;
  }

  take(messages: readonly AgentMessage__Output[]): void {
    for (const message of messages) {
      const said = fromWire(message);
      if (said) this.#waiting.push(said);
    }
    this.#pump();
  }

  #pump(): void {
    while (!this.#busy) {
      const message = this.#waiting.shift();
      if (!message) return;
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
