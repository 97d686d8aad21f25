import { type Silence, endingMessage, silenceOf, unreadableResult } from './sentences.ts';
import type { ExitRecord, Found } from './records.ts';
import { atOnce, beginEnd, closeSilent, conclude, dismiss, fence, read, surviveMs, sweep } from './moves.ts';
import type { Attempt, Ending, ExecutorHappening } from './state.ts';
import { closeUnstarted, put, settleRecovery, type Turn, unstarted } from './turn.ts';

type Of<K extends ExecutorHappening['kind']> = Extract<ExecutorHappening, { kind: K }>;

/** A cancel or a timeout. The reason that was asked for first is the one that is told. */
export function onEnd(turn: Turn, attempt: Attempt, { graceMs, reason }: Ending): void {
  // The session waits until it is journaled, and only then asks for anything.
  if (attempt.ending || attempt.standing === 'JOURNALING') return;
  const ending = { graceMs, reason };
  const { standing } = attempt;
  const asked = put(turn, attempt, { ending });
  switch (standing) {
    case 'RUNNING':
      return beginEnd(turn, asked, ending);
    case 'ACCEPTED':
    case 'STARTING':
      // A runner that may decide is raced for the decision: waiting for its word could last for ever.
      if (asked.given?.released) return fence(turn, asked);
      return closeUnstarted(turn, dismiss(turn, asked), unstarted(reason, endingMessage(reason)));
    case 'FENCING':
    case 'LOOKING':
    case 'ENDING':
    case 'CLOSING':
    case 'EXITED':
      // What is under way ends in a result, or in a standing that looks at `ending`.
      return;
  }
}

export function onProcessesEnded(turn: Turn, attempt: Attempt): void {
  if (attempt.standing === 'ENDING') read(turn, put(turn, attempt, { swept: true, survived: false }), false);
}

/** Something hangs in the kernel. It is not over before that is gone: a second attempt must never meet it. */
export function onProcessesSurvive(turn: Turn, attempt: Attempt, message: string): void {
  if (attempt.standing !== 'ENDING') return;
  if (!attempt.survived) turn.effects.push({ kind: 'alert', attempt: attempt.ref, message });
  sweep(turn, put(turn, attempt, { survived: true }), { ...atOnce, afterMs: surviveMs });
  settleRecovery(turn);
}

export function onExitRead(turn: Turn, attempt: Attempt, { exit, alive, logSize }: Of<'exitRead'>): void {
  if (attempt.standing !== 'LOOKING') return;
  const { swept, again, ending } = attempt;
  if (typeof exit !== 'string') return conclude(turn, attempt, exit, logSize);
  if (swept) return closeSilent(turn, attempt, silenceAfter(exit, ending));
  if (!alive) return sweep(turn, attempt, atOnce);
  const running = put(turn, attempt, { standing: 'RUNNING' });
  if (ending) beginEnd(turn, running, ending);
  else if (again) read(turn, running, false);
  else settleRecovery(turn);
}

function silenceAfter(exit: Found<ExitRecord>, ending: Ending | undefined): Silence {
  return exit === 'unreadable' ? unreadableResult : silenceOf(ending?.reason);
}
