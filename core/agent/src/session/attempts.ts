import { createHash } from 'node:crypto';
import type { AttemptRef, AttemptResult, InventoryEntry, Terms, WirePhase } from './messages.ts';

/**
 * Where an attempt stands inside the agent:
 * JOURNALING – its command is on its way to the disk, nothing has been promised yet;
 * WAITING – accepted, not started (it waits for a live lease);
 * STARTING – handed to a runner; STARTED – its function runs; EXITED – its result is on disk, not yet acknowledged.
 */
export type Standing = 'JOURNALING' | 'WAITING' | 'STARTING' | 'STARTED' | 'EXITED';

export interface Attempt {
  readonly ref: AttemptRef;
  readonly hash: string;
  readonly standing: Standing;
  readonly terms: Terms;
  /** Monotonic time after which it is not started any more. */
  readonly startBy: number;
  /** Monotonic time at which it is ended; known once it runs. */
  readonly endBy?: number | undefined;
  readonly pid?: number | undefined;
  readonly result?: AttemptResult | undefined;
  /** A cancel came before it could be told to a runner. */
  readonly canceled?: boolean | undefined;
  /** It was given out to be started in time, and was not ready before the lease had ended. */
  readonly begun?: boolean | undefined;
  /** Its end has been asked for already. */
  readonly ending?: boolean | undefined;
}

export type Attempts = ReadonlyMap<string, Attempt>;

export function attemptId(ref: AttemptRef): string {
  return `${ref.taskId}/${ref.number}`;
}

const wirePhases: Record<Exclude<Standing, 'JOURNALING'>, WirePhase> = {
  WAITING: 'ACCEPTED',
  STARTING: 'ACCEPTED',
  STARTED: 'STARTED',
  EXITED: 'EXITED',
};

/** The phase the server may be told; undefined while nothing is on disk that could back it. */
export function wirePhase(attempt: Attempt): WirePhase | undefined {
  return attempt.standing === 'JOURNALING' ? undefined : wirePhases[attempt.standing];
}

export function inventoryOf(attempts: Attempts): InventoryEntry[] {
  const entries: InventoryEntry[] = [];
  for (const attempt of attempts.values()) {
    const phase = wirePhase(attempt);
    if (phase) entries.push({ attempt: attempt.ref, hash: attempt.hash, phase, result: attempt.result });
  }
  return entries;
}

/** SHA-256 (hex) of the ids of all unacknowledged attempts, sorted and joined by newlines. */
export function attemptsDigest(attempts: Attempts): string {
  const ids = inventoryOf(attempts).map((entry) => attemptId(entry.attempt));
  return createHash('sha256').update(ids.toSorted().join('\n')).digest('hex');
}

export function runningOf(attempts: Attempts): AttemptRef[] {
  return [...attempts.values()].filter(({ standing }) => standing === 'STARTED').map(({ ref }) => ref);
}
