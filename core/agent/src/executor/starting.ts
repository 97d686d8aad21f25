import { beginEnd, closeSilent, dismiss, fence, look, refuse } from './moves.ts';
import { endingMessage, unreadableDecision } from './sentences.ts';
import type { Decision } from './records.ts';
import type { Attempt, ExecutorHappening } from './state.ts';
import { attemptId, closeUnstarted, put, say, settleRecovery, type Turn, unstarted } from './turn.ts';

type Of<K extends ExecutorHappening['kind']> = Extract<ExecutorHappening, { kind: K }>;

const triesPerStart = 3;

export function onStart(turn: Turn, attempt: Attempt, until: number): void {
  if (attempt.standing !== 'ACCEPTED' || attempt.verdict) return;
  const starting = put(turn, attempt, { standing: 'STARTING', startUntil: until, failures: 0 });
  if (starting.preparation === 'NONE') {
    put(turn, starting, { preparation: 'UNDER_WAY' });
    turn.effects.push({ kind: 'prepare', attempt: starting.ref });
  } else proceed(turn, starting);
}

export function onPrepared(turn: Turn, attempt: Attempt): void {
  if (attempt.preparation !== 'UNDER_WAY') return;
  const ready = put(turn, attempt, { preparation: 'READY' });
  if (!stoppedPreparing(turn, ready)) proceed(turn, ready);
}

export function onNotPrepared(turn: Turn, attempt: Attempt, { reason, message }: Of<'notPrepared'>): void {
  if (attempt.preparation !== 'UNDER_WAY') return;
  // What failed before its start was asked for is tried again then: the server may have been out of reach.
  const stopped = put(turn, attempt, { preparation: 'NONE' });
  if (stoppedPreparing(turn, stopped)) return;
  if (stopped.standing === 'STARTING') closeUnstarted(turn, stopped, unstarted(reason, message));
}

/** What had to wait for the end of the preparation. */
function stoppedPreparing(turn: Turn, attempt: Attempt): boolean {
  const { refusal, verdict, ref } = attempt;
  if (refusal) refuse(turn, ref, refusal);
  else if (verdict) closeUnstarted(turn, attempt, verdict);
  return refusal !== undefined || verdict !== undefined;
}

/**
 * The next step towards the start. A runner is given the try ahead of the start when that will be asked for at once,
 * so that it reads and loads what it needs while the command goes to the disk. It decides nothing before its release.
 */
function proceed(turn: Turn, attempt: Attempt): void {
  const { standing, preparation, given, ref, startUntil = 0 } = attempt;
  const isEarly = standing === 'JOURNALING' || standing === 'ACCEPTED';
  if (preparation !== 'READY' || given?.released) return;
  if (standing !== 'STARTING' && !(isEarly && turn.now < startUntil)) return;
  if (standing === 'STARTING' && turn.now >= startUntil) {
    put(turn, dismiss(turn, attempt), { standing: 'ACCEPTED', startUntil: undefined });
    return say(turn, { kind: 'postponed', attempt: ref });
  }
  const assigned = given ? attempt : assign(turn, attempt);
  if (standing !== 'STARTING' || !assigned.given) return;
  put(turn, assigned, { given: { ...assigned.given, released: true } });
  turn.effects.push({ kind: 'release', attempt: ref, runner: assigned.given.runner });
}

function assign(turn: Turn, attempt: Attempt): Attempt {
  const runner = turn.state.nextRunner;
  turn.state.nextRunner += 1;
  turn.effects.push({ kind: 'assign', attempt: attempt.ref, tryNumber: attempt.tryNumber + 1, runner });
  return put(turn, attempt, { given: { runner, released: false } });
}

export function onDecided(turn: Turn, attempt: Attempt, { runner, decision }: Of<'decided'>): void {
  // While our abort is on its way, what comes of that tells who decided.
  if (attempt.standing === 'STARTING' && attempt.given?.runner === runner) run(turn, attempt, decision);
}

export function onRunnerFenced(turn: Turn, attempt: Attempt, runner: number): void {
  if (isDeciding(attempt, runner)) fence(turn, attempt);
}

/** It hangs before its decision. Whoever links first has decided. */
export function onRunnerSilent(turn: Turn, attempt: Attempt, runner: number): void {
  if (isDeciding(attempt, runner)) fence(turn, attempt);
}

export function onRunnerGone(turn: Turn, attempt: Attempt, { runner, failure }: Of<'runnerGone'>): void {
  if (attempt.given?.runner !== runner) return;
  const { standing, given } = attempt;
  if (standing === 'RUNNING' || standing === 'LOOKING') return look(turn, attempt);
  if (!given.released) return retry(turn, put(turn, attempt, { given: undefined }), failure);
  // It may have decided before it died: only the file knows, and we may still win it.
  if (standing === 'STARTING') fence(turn, put(turn, attempt, { failure: failure ?? attempt.failure }));
}

function isDeciding({ standing, given }: Attempt, runner: number): boolean {
  return standing === 'STARTING' && given?.runner === runner && given.released;
}

/** Exactly one of runner and agent has linked the decision: from here on it is known which. */
export function onFenced(turn: Turn, attempt: Attempt, { tryNumber, won, decision }: Of<'fenced'>): void {
  if (attempt.standing !== 'FENCING' || tryNumber !== attempt.tryNumber + 1) return;
  const decided = put(turn, attempt, { tryNumber });
  if (won || (typeof decision !== 'string' && decision.verdict === 'abort')) return aborted(turn, decided);
  if (typeof decision === 'string') return closeSilent(turn, decided, unreadableDecision);
  run(turn, decided, decision);
  // Its runner may be gone, and nobody else says so.
  const running = turn.state.attempts.get(attemptId(attempt.ref));
  if (running?.standing === 'RUNNING') look(turn, running);
}

/** The try is over without a start, and no runner can decide it any more. */
function aborted(turn: Turn, attempt: Attempt): void {
  const { ending, recovering } = attempt;
  const free = put(turn, attempt, { given: undefined });
  if (ending) return closeUnstarted(turn, free, unstarted(ending.reason, endingMessage(ending.reason)));
  if (!recovering) return retry(turn, free, free.failure);
  put(turn, free, { standing: 'ACCEPTED' });
  settleRecovery(turn);
}

function retry(turn: Turn, attempt: Attempt, failure: string | undefined): void {
  const failures = attempt.failures + 1;
  const next = put(turn, attempt, { failures, failure, given: undefined });
  // Ahead of the start there is no hurry: the next one is taken when that is asked for.
  if (next.standing !== 'STARTING' && next.standing !== 'FENCING') return;
  if (failures < triesPerStart) return proceed(turn, put(turn, next, { standing: 'STARTING' }));
  const detail = failure ?? 'each ended at once';
  const message = `No runner could be started in ${triesPerStart} tries: ${detail}. See the log of the agent, then retry the task.`;
  closeUnstarted(turn, next, unstarted('EXIT_NONZERO', message));
}

function run(turn: Turn, attempt: Attempt, decision: Decision): void {
  const { ref, recovering, ending } = attempt;
  const tryNumber = attempt.standing === 'STARTING' ? attempt.tryNumber + 1 : attempt.tryNumber;
  const running = put(turn, attempt, { standing: 'RUNNING', decision, tryNumber });
  if (!recovering) say(turn, { kind: 'started', attempt: ref, pid: decision.pid });
  turn.effects.push({ kind: 'follow', attempt: ref, decision });
  if (ending) beginEnd(turn, running, ending);
  else settleRecovery(turn);
}
