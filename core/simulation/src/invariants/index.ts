import { cancelEnds } from './cancelEnds.ts';
import { cancelReaches } from './cancelReaches.ts';
import { everythingEnds } from './everythingEnds.ts';
import { failuresHaveCauses } from './failuresHaveCauses.ts';
import { failuresLeaveNothing } from './failuresLeaveNothing.ts';
import type { Invariant } from './invariant.ts';
import { logIsPrefix } from './logIsPrefix.ts';
import { noSecrets } from './noSecrets.ts';
import { onlyIdempotentAgain } from './onlyIdempotentAgain.ts';
import { oldestJobFirst } from './oldestJobFirst.ts';
import { oneLiveAttempt } from './oneLiveAttempt.ts';
import { oneStart } from './oneStart.ts';
import { onlyNewestSession } from './onlyNewestSession.ts';
import { orderOfTasks } from './orderOfTasks.ts';
import { resultsStay } from './resultsStay.ts';
import { startsInLease } from './startsInLease.ts';
import { successIsRecorded } from './successIsRecorded.ts';
import { terminalStays } from './terminalStays.ts';
import { timeoutEnds } from './timeoutEnds.ts';

export type { Checker, Invariant } from './invariant.ts';

/** What the protocol promises, in words and as checkers. */
export const invariants: readonly Invariant[] = [
  oneStart,
  oneLiveAttempt,
  terminalStays,
  successIsRecorded,
  orderOfTasks,
  oldestJobFirst,
  logIsPrefix,
  onlyNewestSession,
  resultsStay,
  cancelEnds,
  cancelReaches,
  timeoutEnds,
  everythingEnds,
  noSecrets,
  failuresHaveCauses,
  onlyIdempotentAgain,
  startsInLease,
  failuresLeaveNothing,
];
