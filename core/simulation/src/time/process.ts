import type { Timeline, Undo } from './timeline.ts';

/** A clock that goes at its own speed. */
export interface LocalClock {
  readonly rate: number;
  /** When it showed 0, in simulated time. */
  readonly since: number;
}

/**
 * Something that runs: it sees its own clock, can be killed (then nothing of it happens any more) and be stopped for a
 * while (then what happened meanwhile happens to it in order when it goes on).
 */
export class Process {
  readonly #timeline: Timeline;
  readonly #clock: LocalClock;
  readonly #held: (() => void)[] = [];
  #alive = true;
  #stoppedUntil = 0;

  constructor(timeline: Timeline, clock: LocalClock) {
    this.#timeline = timeline;
    this.#clock = clock;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get stopped(): boolean {
    return this.#timeline.now < this.#stoppedUntil;
  }

  /** Its monotonic clock, which goes on while it is stopped. */
  get now(): number {
    return (this.#timeline.now - this.#clock.since) * this.#clock.rate;
  }

  /** After so long by its own clock. */
  after(localMs: number, run: () => void): Undo {
    return this.#timeline.after(localMs / this.#clock.rate, () => this.#happen(run));
  }

  /** After so long by everybody's clock: answers of disk, database and network. */
  later(delayMs: number, run: () => void): Undo {
    return this.#timeline.after(delayMs, () => this.#happen(run));
  }

  /** Something happens to it from outside. */
  happen(run: () => void): void {
    this.#happen(run);
  }

  kill(): void {
    this.#alive = false;
    this.#held.length = 0;
  }

  /** SIGSTOP, and SIGCONT after so long. */
  stop(forMs: number): void {
    const until = this.#timeline.now + forMs;
    if (!this.#alive || until <= this.#stoppedUntil) return;
    this.#stoppedUntil = until;
    this.#timeline.after(forMs, () => this.#goOn());
  }

  #goOn(): void {
    while (this.#alive && !this.stopped && this.#held.length > 0) this.#held.shift()!();
  }

  #happen(run: () => void): void {
    if (!this.#alive) return;
    if (this.stopped || this.#held.length > 0) this.#held.push(run);
    else run();
  }
}
