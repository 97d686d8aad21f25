import { randomOf } from '@stackyard/fleet';

export type Target = 'server' | 'agent' | 'runner';

/** One kill -9. */
export interface Kill {
  /** After the one before. */
  readonly afterMs: number;
  readonly target: Target;
  /** Which of those there are: a part in [0, 1). */
  readonly pick: number;
  /** How long it is gone before it is started again; a runner stays gone. */
  readonly downMs: number;
}

/** Half of the kills come in quick succession, also while another process is being started again. */
const PAUSES_MS = [
  { part: 0.5, from: 100, to: 600 },
  { part: 0.5, from: 600, to: 2_000 },
];
const TARGETS: readonly { readonly part: number; readonly target: Target }[] = [
  { part: 0.2, target: 'server' },
  { part: 0.35, target: 'agent' },
  { part: 0.45, target: 'runner' },
];

/** Whom to kill, and when: the same for the same seed. */
export function killPlan({ kills, seed }: { readonly kills: number; readonly seed: number }): readonly Kill[] {
  const random = randomOf(seed);
  return Array.from({ length: kills }, () => {
    const { from, to } = choose(PAUSES_MS, random());
    const afterMs = Math.round(from + random() * (to - from));
    const { target } = choose(TARGETS, random());
    return { afterMs, target, pick: random(), downMs: Math.round(random() ** 2 * 1_500) };
  });
}

function choose<T extends { readonly part: number }>(choices: readonly T[], dice: number): T {
  let left = dice;
  for (const choice of choices) {
    if (left < choice.part) return choice;
    left -= choice.part;
  }
  return choices.at(-1)!;
}
