import { hashText, mix } from './random.ts';
import type { Timeline } from './timeline.ts';

/**
 * What happened, as a number that two runs share only when they were the same, and as lines when somebody wants to
 * read them.
 */
export class Trace {
  readonly #timeline: Timeline;
  readonly #lines: string[] | undefined;
  readonly #legible: (text: string) => string;
  #high = 0x6a09e667;
  #low = 0xbb67ae85;

  /** @param options.legible puts names in the place of ids */
  constructor(
    timeline: Timeline,
    { readable, legible }: { readonly readable: boolean; readonly legible: (text: string) => string },
  ) {
    this.#timeline = timeline;
    this.#legible = legible;
    this.#lines = readable ? [] : undefined;
  }

  /** `where` did or suffered `what`, concerning `subject`. */
  note(where: string, what: string, subject = ''): void {
    const { now } = this.#timeline;
    this.#low = mix(this.#low, hashText(where) ^ Math.floor(now * 1000));
    this.#high = mix(this.#high, hashText(what) ^ mix(this.#low, hashText(subject)));
    if (!this.#lines) return;
    this.#lines.push(`${clockTime(now)} ${where.padEnd(10)} ${this.#legible(`${what} ${subject}`)}`.trimEnd());
  }

  /** 16 hex digits. */
  get hash(): string {
    return hex(this.#high) + hex(this.#low);
  }

  get lines(): readonly string[] {
    return this.#lines ?? [];
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

function clockTime(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  return `${String(minutes).padStart(3)}:${(ms / 1000 - minutes * 60).toFixed(3).padStart(6, '0')}`;
}
