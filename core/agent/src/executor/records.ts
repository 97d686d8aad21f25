/** The head of `cmd`; its body is the command, opaque here. */
export interface Accepted {
  readonly taskId: string;
  /** From 1. */
  readonly number: number;
  /** Hash of the command envelope, as the server stated it. */
  readonly hash: string;
  /** The boot it was accepted under; under another one it is never started. */
  readonly bootId: string;
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  /** Milliseconds of the kernel's monotonic clock. */
  readonly acceptedMono: number;
}

/** `decision.k`: made once, by whoever is first. `run` by a runner, `abort` by an agent that gave up on it. */
export interface Decision {
  readonly verdict: 'run' | 'abort';
  readonly by: 'runner' | 'agent';
  readonly pid: number;
  readonly startTime: number;
  readonly bootId: string;
  /** Value of STACKYARD_ATTEMPT in the environment of everything this try starts. */
  readonly cookie: string;
  /** Directories of the cgroup that all of this try lives in; absent where there is none. */
  readonly group?: readonly string[];
  readonly decidedAt: number;
  readonly decidedMono: number;
}

/** `exit`: how the attempt ended. No `reason` means that it succeeded. */
export interface ExitRecord {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  /** What the job returned. */
  readonly output?: unknown;
  /** Milliseconds since 1970; 0 when it never started. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** How much it had printed; absent when everything of it was ended before the result was written. */
  readonly logSize?: number;
}

/** A file of an entry as it was found. */
export type Found<T> = T | 'none' | 'unreadable';

/** What the directory of an attempt says. */
export interface EntryOnDisk {
  readonly accepted: Accepted;
  /** The try that `decision` belongs to: the highest decided one, 0 when none was. */
  readonly tryNumber: number;
  readonly decision: Found<Decision>;
  readonly exit: Found<ExitRecord>;
  /** Why the agent was ending it, when it was. */
  readonly ending: string | undefined;
}
