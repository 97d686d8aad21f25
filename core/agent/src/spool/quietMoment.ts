/** A busy machine is looked at again after this long, and at random up to twice this: agents that share it take turns. */
const againMs = 100;

/** How somebody stands who has something to do that can wait. */
export interface Waiting {
  readonly waitedMs: number;
  /** A machine that is always busy is no reason to wait longer than this. */
  readonly longestMs: number;
  /** Whether it would take a core from somebody else's work. */
  readonly busy: boolean;
  /** From 0 to 1. */
  readonly random: number;
}

/** After how long to look again whether it may be done; undefined when it may now. */
export function lookAgainMs({ waitedMs, longestMs, busy, random }: Waiting): number | undefined {
  if (!busy || waitedMs >= longestMs) return undefined;
  return againMs * (1 + random);
}
