import type { Process } from '../time/process.ts';
import type { Random } from '../time/random.ts';
import type { Timeline } from '../time/timeline.ts';
import type { Link } from './link.ts';

/** What stands at one end of a stream. */
export interface End<In> {
  readonly process: Process;
  received(message: In): void;
  /** Said once; `clean`: the other end said goodbye. */
  closed(clean: boolean): void;
}

export type Direction = 'up' | 'down';

/** How long until an end gives up on another that does not answer its pings. */
const KEEPALIVE_MS = [10_000, 20_000] as const;
/** How long a message takes that the adapter says once more. */
const REPEAT_MS = 5_000;

/**
 * A stream over a link: ordered both ways, and when it breaks it loses its tail. A message that is lost inside is a
 * broken stream. What was under way still arrives when one end has gone.
 */
export class Stream<Up, Down> {
  readonly up: Pipe<Up>;
  readonly down: Pipe<Down>;
  readonly #timeline: Timeline;
  readonly #link: Link;
  readonly #random: Random;
  readonly #closed = { up: false, down: false };

  constructor(options: {
    readonly timeline: Timeline;
    readonly link: Link;
    readonly random: Random;
    readonly agent: End<Down>;
    readonly server: End<Up>;
    /** What the adapters may say twice. */
    readonly repeatable: (message: Up | Down) => boolean;
  }) {
    const { timeline, link, random, agent, server, repeatable } = options;
    this.#timeline = timeline;
    this.#link = link;
    this.#random = random;
    const common = { timeline, link, random, repeatable, lost: () => this.break() };
    this.up = new Pipe({ ...common, direction: 'up', end: server });
    this.down = new Pipe({ ...common, direction: 'down', end: agent });
  }

  get open(): boolean {
    return !this.#closed.up && !this.#closed.down;
  }

  /** Both ends learn that it is over, each in its time. */
  break(): void {
    this.up.seal();
    this.down.seal();
    this.#tell('up', false);
    this.#tell('down', false);
  }

  /** The agent's end ('up' is what it says) or the server's goes away: it hears no more, and what it said still arrives. */
  leave(speaks: Direction, clean: boolean): void {
    const [said, heard] = speaks === 'up' ? [this.up, this.down] : [this.down, this.up];
    heard.deafen();
    this.#closed[speaks === 'up' ? 'down' : 'up'] = true;
    said.seal();
    heard.seal();
    said.whenEmpty(() => this.#tell(speaks, clean));
  }

  /** An end has not heard anything for so long that it gives up. */
  silent(direction: Direction): void {
    this.#timeline.after(this.#random.between(...KEEPALIVE_MS), () => {
      if (this.#link.isBlocked('up') || this.#link.isBlocked('down')) this.#close(direction, false);
    });
  }

  pump(): void {
    this.up.pump();
    this.down.pump();
  }

  #tell(direction: Direction, clean: boolean): void {
    const blocked = this.#link.isBlocked(direction);
    const afterMs = blocked ? this.#random.between(...KEEPALIVE_MS) : this.#link.latency(this.#random);
    this.#timeline.after(afterMs, () => this.#close(direction, clean));
  }

  #close(direction: Direction, clean: boolean): void {
    if (this.#closed[direction]) return;
    this.#closed[direction] = true;
    const pipe = this[direction];
    pipe.deafen();
    this.up.seal();
    this.down.seal();
    pipe.end.process.happen(() => pipe.end.closed(clean));
    // The other end hears of it too, unless it has gone before.
    this.#tell(direction === 'up' ? 'down' : 'up', false);
  }
}

interface PipeOptions<M> {
  readonly timeline: Timeline;
  readonly link: Link;
  readonly random: Random;
  readonly direction: Direction;
  readonly end: End<M>;
  readonly repeatable: (message: M) => boolean;
  readonly lost: () => void;
}

/** One direction of a stream. */
class Pipe<M> {
  readonly end: End<M>;
  readonly #options: PipeOptions<M>;
  readonly #queue: { readonly at: number; readonly message: M }[] = [];
  #lastAt = 0;
  #waiting = false;
  #sealed = false;
  #deaf = false;
  #emptied: (() => void) | undefined;

  constructor(options: PipeOptions<M>) {
    this.#options = options;
    this.end = options.end;
  }

  send(message: M): void {
    if (this.#sealed) return;
    const { link, random, repeatable, timeline, lost } = this.#options;
    if (random.chance(link.loss)) {
      lost();
      return;
    }
    this.#put(message);
    if (!repeatable(message) || !random.chance(link.duplicates)) return;
    timeline.after(random.chance(0.5) ? 0 : random.between(0, REPEAT_MS), () => this.#put(message));
  }

  /** Takes nothing more. */
  seal(): void {
    this.#sealed = true;
  }

  /** Delivers nothing more. */
  deafen(): void {
    this.#deaf = true;
    this.#queue.length = 0;
  }

  whenEmpty(then: () => void): void {
    this.#emptied = then;
    if (this.#queue.length === 0) this.#empty();
  }

  pump(): void {
    const { timeline, link, direction } = this.#options;
    const head = this.#queue[0];
    if (!head || this.#waiting) return;
    if (head.at > timeline.now) {
      this.#waiting = true;
      timeline.after(head.at - timeline.now, () => {
        this.#waiting = false;
        this.pump();
      });
      return;
    }
    // Held back in the network: it arrives when the way is open again, if the stream lives so long.
    if (link.isBlocked(direction)) return;
    this.#queue.shift();
    this.end.process.happen(() => !this.#deaf && this.end.received(head.message));
    if (this.#queue.length === 0) this.#empty();
    else this.pump();
  }

  #put(message: M): void {
    if (this.#sealed) return;
    const { timeline, link, random } = this.#options;
    this.#lastAt = Math.max(this.#lastAt, timeline.now + link.latency(random));
    this.#queue.push({ at: this.#lastAt, message });
    this.pump();
  }

  #empty(): void {
    const then = this.#emptied;
    this.#emptied = undefined;
    then?.();
  }
}
