import type { Timeline } from '../time/timeline.ts';

/** What the server decides about a silent host may be committed only some time after that was heard of again. */
const REMEMBERED_MS = 120_000;

/** How long the servers have not heard of hosts. */
export class Silence {
  readonly #timeline: Timeline;
  readonly #heardAt = new Map<string, number>();
  readonly #before = new Map<string, { readonly ms: number; readonly until: number }>();

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  heard(hostId: string): void {
    const { now } = this.#timeline;
    const ms = now - (this.#heardAt.get(hostId) ?? 0);
    this.#heardAt.set(hostId, now);
    if (ms >= this.#longestLately(hostId)) this.#before.set(hostId, { ms, until: now + REMEMBERED_MS });
  }

  /** For so long nobody could be heard: that silence is not the hosts'. */
  excuse(hostIds: Iterable<string>, ms: number): void {
    const { now } = this.#timeline;
    for (const hostId of hostIds) this.#heardAt.set(hostId, Math.min(now, (this.#heardAt.get(hostId) ?? 0) + ms));
  }

  /** The present silence, or a longer one that has ended lately. */
  of(hostId: string): number {
    return Math.max(this.#timeline.now - (this.#heardAt.get(hostId) ?? 0), this.#longestLately(hostId));
  }

  #longestLately(hostId: string): number {
    const before = this.#before.get(hostId);
    return before && before.until > this.#timeline.now ? before.ms : 0;
  }
}
