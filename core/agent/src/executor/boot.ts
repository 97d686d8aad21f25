import { judge } from './judge.ts';
import { atOnce, closeSilent, conclude, fence, newAttempt, surviveMs, sweep } from './moves.ts';
import type { Attempt, ExecutorHappening, FoundEntry } from './state.ts';
import { attemptId, put, settleRecovery, type Turn } from './turn.ts';

/** The agent has started: what the one before it left is followed, reported, ended, or certainly not started. */
export function onBoot(turn: Turn, { found, quarantined }: Extract<ExecutorHappening, { kind: 'boot' }>): void {
  const { state } = turn;
  if (state.recovery !== 'NONE') return;
  for (const entry of found) take(turn, entry);
  for (const { attempt, decision } of quarantined) {
    if (typeof decision === 'string' || decision.verdict === 'abort' || decision.bootId !== state.bootId) continue;
    state.quarantined.set(attemptId(attempt), { decision, survived: false });
    turn.effects.push({ kind: 'endProcesses', attempt, decision, ...atOnce });
  }
  // Only now: it is told once, of all of them.
  state.recovery = 'UNDER_WAY';
  settleRecovery(turn);
}

/** What was found of a damaged entry is ended, or hangs: the agent does not wait for that, but goes on ending it. */
export function onQuarantinedSwept(
  turn: Turn,
  event: Extract<ExecutorHappening, { kind: 'processesEnded' | 'processesSurvive' }>,
): void {
  const { quarantined } = turn.state;
  const id = attemptId(event.attempt);
  const left = quarantined.get(id);
  if (!left) return;
  if (event.kind === 'processesEnded') quarantined.delete(id);
  else {
    const { attempt, message } = event;
    const { decision, survived } = left;
    quarantined.set(id, { decision, survived: true });
    if (!survived) turn.effects.push({ kind: 'alert', attempt, message });
    turn.effects.push({ kind: 'endProcesses', attempt, decision, ...atOnce, afterMs: surviveMs });
  }
  settleRecovery(turn);
}

function take(turn: Turn, entry: FoundEntry): void {
  const { accepted, decision, tryNumber, ending, runnerAlive, logSize } = entry;
  const { taskId, number, hash, acceptedMono } = accepted;
  const { bootId } = turn.state;
  const ref = { taskId, number };
  const run = typeof decision === 'string' || decision.verdict === 'abort' ? undefined : decision;
  const attempt = put(
    turn,
    { ...newAttempt, ref, hash, acceptedMono, standing: 'ACCEPTED' },
    { decision: run, tryNumber, recovering: true },
  );
  const verdict = judge(entry, { bootId, runnerAlive });
  switch (verdict.kind) {
    case 'report':
      return conclude(turn, afterReboot(turn, attempt), verdict.exit, logSize);
    case 'attach':
      put(turn, attempt, { standing: 'RUNNING' });
      turn.effects.push({ kind: 'follow', attempt: ref, decision: verdict.decision });
      return;
    case 'fence':
      return fence(turn, attempt);
    case 'end': {
      const left = put(turn, attempt, { ending: ending === undefined ? undefined : { reason: ending, graceMs: 0 } });
      // Of another boot nothing can be left.
      if (!run || run.bootId !== bootId) return closeSilent(turn, left, verdict);
      return sweep(turn, left, atOnce);
    }
  }
}

/** Nothing survives a restart of the host. */
function afterReboot(turn: Turn, attempt: Attempt): Attempt {
  return put(turn, attempt, { swept: attempt.decision?.bootId !== turn.state.bootId });
}
