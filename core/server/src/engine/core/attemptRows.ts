import { isTerminal, type Reason, type State, stepAttempt } from '@stackyard/domain';
import type { LoadedJob } from './job.ts';
import type { AttemptResult } from '../sessions/messages.ts';
import type { Issued } from '../sessions/state.ts';
import type { AttemptWrite } from '../writer/changes.ts';

/** What an attempt's row becomes; undefined where a repeated or late word changes nothing. */
type Next = AttemptWrite | undefined;

export function issue(
  attempt: AttemptWrite,
  sent: Pick<AttemptWrite, 'envelopeHash' | 'epoch' | 'sessionNo' | 'journalId' | 'issuedAt'>,
): Next {
  const next = stepAttempt(statusOf(attempt), { kind: 'issued' });
  return next && { ...attempt, ...sent, state: next.state, dispatch: next.dispatch ?? null };
}

/** In which session a word on an attempt was heard, and when. */
type Heard = Pick<AttemptWrite, 'epoch' | 'sessionNo'> & { readonly at: Date };

export function progress(attempt: AttemptWrite, dispatch: 'ACCEPTED' | 'STARTED', heard: Heard): Next {
  const next = stepAttempt(statusOf(attempt), { kind: dispatch === 'ACCEPTED' ? 'accepted' : 'started' });
  const startedAt = dispatch === 'STARTED' ? heard.at : attempt.startedAt;
  const { epoch, sessionNo } = heard;
  return next && { ...attempt, epoch, sessionNo, dispatch: next.dispatch ?? attempt.dispatch, startedAt };
}

/** `canceled`: somebody asked for its end. */
export function finish(
  attempt: AttemptWrite,
  result: AttemptResult,
  { epoch, sessionNo, at, canceled }: Heard & { readonly canceled: boolean },
): Next {
  const { reason } = result;
  const next = stepAttempt(
    statusOf(attempt),
    reason === undefined ? { kind: 'result', ok: true } : { kind: 'result', ok: false, reason, canceled },
  );
  return (
    next && {
      ...attempt,
      epoch,
      sessionNo,
      state: next.state,
      dispatch: next.dispatch ?? null,
      reason: next.reason ?? null,
      message: result.message || null,
      exitCode: result.exitCode,
      signal: result.signal || null,
      outputs: result.outputs,
      logSize: result.logSize,
      startedAt: attempt.startedAt ?? (next.dispatch === 'STARTED' ? begun(attempt, result, at) : null),
      finishedAt: at,
      durationMs: result.durationMs,
    }
  );
}

/** Of an attempt whose start was not told of before its end. */
function begun({ issuedAt }: AttemptWrite, { durationMs }: AttemptResult, at: Date): Date {
  return new Date(Math.max(issuedAt?.getTime() ?? 0, at.getTime() - durationMs));
}

export function withdraw(attempt: AttemptWrite, state: State, reason: Reason, at: Date): AttemptWrite {
  return { ...attempt, state, reason, finishedAt: at };
}

/** An attempt as the sessions know it. */
export function issuedOf(job: LoadedJob, node: number): Issued {
  const { id, taskId, envelopeHash, dispatch, journalId } = job.attempts[node]!;
  return {
    id,
    taskId,
    hash: envelopeHash ?? '',
    dispatch: dispatch ?? 'SENT',
    journalId: journalId ?? '',
    ending: job.row.cancelRequested ? 'USER_CANCEL' : undefined,
  };
}

/** The task's row says what its latest attempt says. */
export function followAttempt(job: LoadedJob, node: number): void {
  const attempt = job.attempts[node]!;
  const task = job.tasks[node]!;
  task.state = attempt.state;
  task.reason = attempt.reason;
  task.attempts = attempt.number;
  task.startedAt = task.startedAt ?? attempt.issuedAt;
  task.finishedAt = isTerminal(attempt.state) ? attempt.finishedAt : null;
}

function statusOf({ state, dispatch, reason }: AttemptWrite) {
  return { state, dispatch: dispatch ?? undefined, reason: reason ?? undefined };
}
