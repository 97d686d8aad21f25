import type { Decision } from '../executor/records.ts';

/**
 * What a runner executes: an ES module that exports `run`, and may export `load`, which reads what `run` will need before
 * it is decided that it runs: nothing of it may have an effect. It must not need anything from the agent's process. Its
 * export `rehearse(dir, code)`, where it has one, goes once through what `run` does and loads the code; it leaves nothing.
 */
export interface Job {
  /** Absolute path or file: URL. */
  readonly module: string;
  /** Handed to `run` as it is; any JSON. */
  readonly input: unknown;
  /** Code of others that `run` calls. A runner that has loaded some beforehand is never given a job with other code. */
  readonly code?: Code;
}

/** An unpacked artifact. */
export interface Code {
  readonly digest: string;
  readonly dir: string;
}

/** What a runner does while it waits for work. */
export interface Rehearsing {
  /** The module whose `rehearse` it calls. */
  readonly module: string;
  readonly code?: Code | undefined;
}

/** What `run` gets beside its input. */
export interface JobContext {
  readonly taskId: string;
  readonly number: number;
  /** The directory of the attempt, for files that belong to it. */
  readonly attemptDir: string;
  /** What the module's export `load` gave back, where it has one. */
  readonly loaded?: unknown;
  /** From here on all that the attempt leaves on disk, or tells, has gone through this. */
  readonly hideBy: (hide: (text: string) => string) => void;
  /** Aborted when the attempt is to end (cancel or timeout): there is a grace, then SIGKILL. */
  readonly signal: AbortSignal;
}

/**
 * The export `run` of a job module. What it returns becomes the attempt's `output` (JSON, 512 KiB at most). A thrown error
 * fails the attempt with the error's message; its `reason`, when it has one, becomes the reason instead of EXIT_NONZERO.
 * What it prints goes to the attempt's log.
 */
export type JobFunction = (input: never, context: JobContext) => unknown;

/** What a runner is to do. It waits for its release before it decides. */
export interface Assignment {
  readonly taskId: string;
  readonly number: number;
  readonly tryNumber: number;
  readonly attemptDir: string;
  readonly bootId: string;
  readonly job: Job;
}

/** One line of JSON on the runner's inherited pipe, from the agent: perhaps a rehearsal, one assignment, one release. */
export type AgentTells =
  | { readonly rehearse: Rehearsing }
  | { readonly assign: Assignment }
  | { readonly release: true };

/** One line of JSON on the pipe, from the runner. Each is about what is on disk already. */
export type RunnerSays =
  | { readonly say: 'ready' | 'fenced' | 'done' }
  | { readonly say: 'decided'; readonly decision: Decision };

export const attemptCookie = 'STACKYARD_ATTEMPT';
export const outputFile = 'output.log';
export const pipeFd = 3;
