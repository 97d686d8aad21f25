import type { ExitRecord } from './records.ts';

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
  | { readonly kind: 'ended'; readonly outcome: Outcome }
  /** SIGTERM; `ending` is what the agent left in the file of that name. */
  | { readonly kind: 'signalled'; readonly ending: string | undefined }
  | { readonly kind: 'exitWritten' };

export type RunnerEffect =
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
