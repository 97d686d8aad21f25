import type { ProcessIdentity } from '../processes/identity.ts';
import type { Decision, EntryOnDisk, ExitRecord } from './records.ts';
import { rebooted, type Silence, silenceOf, unreadableDecision, unreadableResult } from './sentences.ts';

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
  /**
   * Every try so far was given up, and a runner of the agent before may hold the next one: link `abort` to it. Who wins it
   * knows whether the attempt can have started.
   */
  | { readonly kind: 'fence'; readonly tryNumber: number }
  /** Its outcome cannot be known: end what is left of it, then report this. */
  | ({ readonly kind: 'end' } & Silence);

/** Decides by what the files and the process table say; pure. */
export function judge(entry: EntryOnDisk, observation: Observation): Verdict {
  const { accepted, decision, exit, tryNumber, ending } = entry;
  if (typeof exit !== 'string') return { kind: 'report', exit };
  // A result may be torn by the power loss that it did not survive.
  if (accepted.bootId !== observation.bootId) return { kind: 'end', ...rebooted };
  if (exit === 'unreadable') return { kind: 'end', ...unreadableResult };
  if (decision === 'unreadable') return { kind: 'end', ...unreadableDecision };
  if (decision === 'none' || decision.verdict === 'abort') return { kind: 'fence', tryNumber: tryNumber + 1 };
  if (observation.runnerAlive) {
    const { pid, startTime, bootId } = decision;
    return { kind: 'attach', process: { pid, startTime, bootId }, decision };
  }
  return { kind: 'end', ...silenceOf(ending) };
}
