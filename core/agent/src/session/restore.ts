import type { Attempt, Standing } from './attempts.ts';
import { attemptId } from './attempts.ts';
import type { AttemptRef, AttemptResult, Terms } from './messages.ts';
import type { Fence, SessionState } from './state.ts';
import { addTombstone, type Tombstones } from './tombstones.ts';

/** An attempt as the journal knows it when the agent starts. Times are of the clock that events carry. */
export interface Recovered {
  readonly attempt: AttemptRef;
  readonly hash: string;
  /** WAITING only for attempts that certainly never started. */
  readonly standing: Extract<Standing, 'WAITING' | 'STARTED' | 'EXITED'>;
  readonly terms: Terms;
  readonly startBy: number;
  readonly endBy?: number | undefined;
  readonly pid?: number | undefined;
  readonly result?: AttemptResult | undefined;
}

/** The session an agent starts with, from what its disk says. */
export function restore(from: {
  readonly fence: Fence;
  readonly root?: string | undefined;
  readonly attempts: readonly Recovered[];
  readonly tombstones: readonly { readonly attempt: AttemptRef; readonly hash: string }[];
}): SessionState {
  const attempts = new Map<string, Attempt>();
  for (const { attempt, ...rest } of from.attempts) attempts.set(attemptId(attempt), { ref: attempt, ...rest });
  let tombstones: Tombstones = [];
  for (const { attempt, hash } of from.tombstones) tombstones = addTombstone(tombstones, attemptId(attempt), { hash });
  return { root: from.root, fence: from.fence, sessionNo: 0, attempts, tombstones };
}

/** The session of an agent that has never seen a server. */
export function newSession(installId: string): SessionState {
  return restore({ fence: { installId, epoch: 0 }, attempts: [], tombstones: [] });
}
