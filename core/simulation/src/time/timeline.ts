interface Entry {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  canceled: boolean;
}

/** Events at the same time: more than that cause one another for ever. */
const MOST_AT_ONCE = 100_000;

/** Takes back what was scheduled. */
export type Undo = () => void;

/** Simulated time: a heap of what is to happen, by time and then by the order in which it was asked for. */
export class Timeline {
  readonly #heap: Entry[] = [];
  #now = 0;
  #order = 0;
  #steps = 0;
  #stepsNow = 0;

  /** Milliseconds since the start of the run. */
  get now(): number {
    return this.#now;
  }

  /** How many events have happened. */
  get steps(): number {
    return this.#steps;
  }

  after(delayMs: number, run: () => void): Undo {
    const entry: Entry = { at: this.#now + Math.max(0, delayMs), order: this.#order, run, canceled: false };
    this.#order += 1;
    this.#push(entry);
    return () => {
      entry.canceled = true;
    };
  }

  /** Lets happen what is due up to `untilMs`, or until `stop` says so. */
  run(untilMs: number, stop: () => boolean): void {
    for (let next = this.#heap[0]; next && next.at <= untilMs; next = this.#heap[0]) {
      this.#pop();
      if (next.canceled) continue;
      this.#stepsNow = next.at > this.#now ? 0 : this.#stepsNow + 1;
      if (this.#stepsNow > MOST_AT_ONCE) throw new Error(`Time stands still at ${this.#now} ms.`);
      this.#now = next.at;
      this.#steps += 1;
      next.run();
      if (stop()) return;
    }
    this.#now = Math.max(this.#now, untilMs);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(left: Entry, right: Entry): boolean {
  return left.at < right.at || (left.at === right.at && left.order < right.order);
}
