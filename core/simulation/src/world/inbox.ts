/** Messages of one stream in their order, also where one has to wait for the database. */
export class Inbox<Up> {
  readonly #waiting: Up[] = [];
  readonly #handle: (up: Up) => ((done: () => void) => void) | undefined;
  #busy = false;

  /** @param handle answers a function when the next message has to wait until that is done */
  constructor(handle: (up: Up) => ((done: () => void) => void) | undefined) {
    this.#handle = handle;
  }

  take(up: Up): void {
    this.#waiting.push(up);
    this.#pump();
  }

  #pump(): void {
    while (!this.#busy) {
      const up = this.#waiting.shift();
      if (!up) return;
      const later = this.#handle(up);
      if (!later) continue;
      this.#busy = true;
      later(() => {
        this.#busy = false;
        this.#pump();
      });
    }
  }
}
