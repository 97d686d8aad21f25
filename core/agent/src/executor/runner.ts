import type { ExitRecord } from './records.ts';
import { endingMessage } from './sentences.ts';

/** How the function of an attempt ended; the runner adds when. */
export type Outcome = Omit<ExitRecord, 'startedAt' | 'durationMs'>;

/**
 * IDLE – started ahead, without work; HELD – has an assignment, may not decide yet; DECIDING – its `run` is being linked;
 * RUNNING – its function runs; LEAVING – its result is on its way to the disk; GONE.
 */
export type RunnerStanding = 'IDLE' | 'HELD' | 'DECIDING' | 'RUNNING' | 'LEAVING' | 'GONE';

export interface RunnerState {
  standing: RunnerStanding;
  /** Why the agent ends it, once SIGTERM has come. */
  ending: string | undefined;
  exitCode: number;
}

export type RunnerEvent =
  | { readonly kind: 'assigned' }
  | { readonly kind: 'released' }
  /** The agent is gone, or sends this runner away. */
  | { readonly kind: 'pipeClosed' }
  | { readonly kind: 'decided'; readonly won: boolean }
  /** `ending` as it was read once the function had failed: it may be seen to die of a signal that is still to be heard. */
  | { readonly kind: 'ended'; readonly outcome: Outcome; readonly ending?: string | undefined }
  /** SIGTERM; `ending` is what the agent left in the file of that name. */
  | { readonly kind: 'signalled'; readonly ending: string | undefined }
  | { readonly kind: 'exitWritten' };

export type RunnerEffect =
  /** Read what the function will need. Nothing is executed that the attempt brings. */
  | { readonly kind: 'load' }
  /** `link(2)` the decision to run to `decision.k`: `decided` follows. */
  | { readonly kind: 'decide' }
  /** Only a line on the pipe: nobody may be there to read it. */
  | { readonly kind: 'say'; readonly word: 'ready' | 'decided' | 'fenced' | 'done' }
  /** The output file becomes the attempt's. */
  | { readonly kind: 'adoptOutput' }
  /** Call the function: `ended` follows. */
  | { readonly kind: 'run' }
  /** Tell the function that it is to end. */
  | { readonly kind: 'abort'; readonly ending: string }
  /** Durable before `exitWritten`, unless there is one. */
  | { readonly kind: 'writeExit'; readonly outcome: Outcome }
  | { readonly kind: 'leave'; readonly exitCode: number };

export function createRunnerState(): RunnerState {
  return { standing: 'IDLE', ending: undefined, exitCode: 0 };
}

/**
 * What a runner does, in which order: it decides before it runs anything, and its result is on disk before it says so.
 * Changes the state in place. It needs the agent for the assignment and the release only.
 */
export function stepRunner(state: RunnerState, event: RunnerEvent): readonly RunnerEffect[] {
  const { standing } = state;
  switch (event.kind) {
    case 'assigned':
      if (standing !== 'IDLE') return [];
      state.standing = 'HELD';
      return [{ kind: 'load' }];
    case 'released':
      if (standing !== 'HELD') return [];
      state.standing = 'DECIDING';
      return [{ kind: 'decide' }];
    case 'decided':
      if (standing !== 'DECIDING') return [];
      if (!event.won) return go(state, 0, [{ kind: 'say', word: 'fenced' }]);
      state.standing = 'RUNNING';
      if (state.ending !== undefined) return [{ kind: 'adoptOutput' }, ...stepRunner(state, endedEarly)];
      return [{ kind: 'adoptOutput' }, { kind: 'say', word: 'decided' }, { kind: 'run' }];
    case 'ended':
      // The function may end its process and throw: the first end holds.
      if (standing !== 'RUNNING') return [];
      state.standing = 'LEAVING';
      state.exitCode = event.outcome.exitCode ?? 0;
      return [{ kind: 'writeExit', outcome: asEnded(event.outcome, state.ending ?? event.ending) }];
    case 'exitWritten':
      return standing === 'LEAVING' ? go(state, state.exitCode, [{ kind: 'say', word: 'done' }]) : [];
    case 'pipeClosed':
      // Nobody else will release it; once it may decide, it needs nobody.
      return standing === 'IDLE' || standing === 'HELD' ? go(state, 0, []) : [];
    case 'signalled':
      if (standing === 'IDLE' || standing === 'HELD') return go(state, 0, []);
      if (standing !== 'RUNNING' && standing !== 'DECIDING') return [];
      state.ending = event.ending ?? 'KILLED';
      return standing === 'RUNNING' ? [{ kind: 'abort', ending: state.ending }] : [];
  }
}

/** The signal came while it was deciding: the decision holds, the function is not called any more. */
const endedEarly: RunnerEvent = { kind: 'ended', outcome: { exitCode: 143 } };

function go(state: RunnerState, exitCode: number, first: readonly RunnerEffect[]): readonly RunnerEffect[] {
  state.standing = 'GONE';
  return [...first, { kind: 'leave', exitCode }];
}

/** What was being ended has ended for that reason, whatever it made of the signal. */
function asEnded(outcome: Outcome, ending: string | undefined): Outcome {
  if (ending === undefined) return outcome;
  return {
    exitCode: outcome.exitCode || 143,
    signal: 'SIGTERM',
    reason: ending,
    message: endingMessage(ending),
  };
}
