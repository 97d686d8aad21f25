/** A busy machine is looked at again after this long, and at random up to twice this: agents that share it take turns. */
const againMs = 100;
/** A machine that is always busy has to get its runners too. */
const longestMs = 3_000;

/** How a pool that has too few runners stands. */
export interface Shortage {
  readonly waitedMs: number;
  /** Whether a start would take a core from somebody else's work. */
  readonly busy: boolean;
  /** From 0 to 1. */
  readonly random: number;
}

/** After how long to look again whether a runner may be started; undefined when it may now. */
export function lookAgainMs({ waitedMs, busy, random }: Shortage): number | undefined {
  if (!busy || waitedMs >= longestMs) return undefined;
  return againMs * (1 + random);
}
