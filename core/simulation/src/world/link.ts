import type { Random } from '../time/random.ts';
import type { Timeline } from '../time/timeline.ts';
import type { Direction } from './stream.ts';

/** What a link does to messages when nothing is wrong with it. */
export interface LinkQuality {
  /** Probability that a message is lost, and its stream with it. */
  readonly loss: number;
  /** Probability that a message is said twice. */
  readonly duplicates: number;
  readonly latencyMs: number;
  /** Up to so much more, drawn for each message. */
  readonly jitterMs: number;
}

interface Held {
  break(): void;
  pump(): void;
  silent(direction: Direction): void;
  readonly open: boolean;
}

/** The network between one host and the servers: its faults are its own. */
export class Link {
  readonly #timeline: Timeline;
  #quality: LinkQuality;
  #slowness = 1;
  readonly #blocks = { up: 0, down: 0 };
  #streams: Held[] = [];

  constructor(timeline: Timeline, quality: LinkQuality) {
    this.#timeline = timeline;
    this.#quality = quality;
  }

  get loss(): number {
    return this.#quality.loss;
  }

  get duplicates(): number {
    return this.#quality.duplicates;
  }

  latency(random: Random): number {
    return (this.#quality.latencyMs + random.fraction() * this.#quality.jitterMs) * this.#slowness;
  }

  isBlocked(direction: Direction): boolean {
    return this.#blocks[direction] > 0;
  }

  carry(stream: Held): void {
    this.#streams = this.#streams.filter(({ open }) => open);
    this.#streams.push(stream);
  }

  /** Nothing passes in these directions for so long; both ends find out by their pings. */
  partition(directions: readonly Direction[], forMs: number): void {
    for (const direction of directions) this.#blocks[direction] += 1;
    for (const stream of this.#streams) {
      stream.silent('up');
      stream.silent('down');
    }
    this.#timeline.after(forMs, () => {
      for (const direction of directions) this.#blocks[direction] -= 1;
      for (const stream of this.#streams) stream.pump();
    });
  }

  /** Every stream breaks. */
  cut(): void {
    for (const stream of this.#streams) stream.break();
  }

  slow(factor: number, forMs: number): void {
    this.#slowness *= factor;
    this.#timeline.after(forMs, () => {
      this.#slowness /= factor;
    });
  }

  /** From now on it is a good link. */
  heal(): void {
    this.#quality = { ...this.#quality, loss: 0, duplicates: 0 };
  }
}
