import type { ProcessIdentity } from '../processes/identity.ts';
import type { Decision, EntryOnDisk, ExitRecord } from './entry.ts';

/** What can be seen of an attempt beside its files. The process must be looked at before the files are read. */
export interface Observation {
  readonly bootId: string;
  /** Whether the process named by the decision lives. */
  readonly runnerAlive: boolean;
}

/** What an agent that has just started does about an attempt without acknowledged result. */
export type Verdict =
  /** Its result is there. */
  | { readonly kind: 'report'; readonly exit: ExitRecord }
  /** It runs: follow it. */
  | { readonly kind: 'attach'; readonly process: ProcessIdentity; readonly decision: Decision }
  /** Nobody has decided the try: link `abort`; who wins it knows whether the attempt can have started. */
  | { readonly kind: 'fence'; readonly tryNumber: number }
  /** Certainly never started: it may be, as this try. */
  | { readonly kind: 'startable'; readonly tryNumber: number }
  /** Its outcome cannot be known: end what is left of it, then report this. */
  | { readonly kind: 'end'; readonly reason: string; readonly message: string };

/** Decides by what the files and the process table say; pure. */
export function judge(entry: EntryOnDisk, observation: Observation): Verdict {
  const { accepted, decision, exit, tryNumber, ending } = entry;
  if (exit === 'unreadable') {
    return lost(
      'Its result was written, but cannot be read any more. Look at the disk of the host, then retry the task.',
    );
  }
  if (exit !== 'none') return { kind: 'report', exit };
  if (accepted.bootId !== observation.bootId) {
    const message = 'The host was restarted before the task had ended. Retry the task.';
    return { kind: 'end', reason: 'HOST_REBOOTED', message };
  }
  if (decision === 'none') return { kind: 'fence', tryNumber: tryNumber + 1 };
  if (decision === 'unreadable') {
    return lost('Whether it was started cannot be read any more. Look at the disk of the host, then retry the task.');
  }
  if (decision.verdict === 'abort') return { kind: 'startable', tryNumber: tryNumber + 1 };
  if (observation.runnerAlive) {
    const { pid, startTime, bootId } = decision;
    return { kind: 'attach', process: { pid, startTime, bootId }, decision };
  }
  return { kind: 'end', ...silenceOf(ending) };
}

/** What it means that the process is gone and left no result. */
export function silenceOf(ending: string | undefined): { readonly reason: string; readonly message: string } {
  if (ending !== undefined) return { reason: ending, message: endingMessage(ending) };
  const message = 'Its process ended without leaving a result; it was killed from outside. Retry the task.';
  return { reason: 'LOST', message };
}

/** The sentence for an attempt that the agent ended. */
export function endingMessage(reason: string): string {
  return reason === 'TIMEOUT' ? 'It ran longer than its time limit and was ended.' : 'It was canceled and ended.';
}

function lost(message: string): Verdict {
  return { kind: 'end', reason: 'LOST', message };
}
