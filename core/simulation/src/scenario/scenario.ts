/** Everything that a run is made of, as data: what is left out of it leaves the rest as it was. Times in milliseconds. */
export interface Scenario {
  readonly seed: number;
  readonly hosts: number;
  /** How long faults happen; then everything heals. */
  readonly faultyMs: number;
  readonly settings: Settings;
  readonly network: {
    readonly loss: number;
    readonly duplicates: number;
    readonly latencyMs: number;
    readonly jitterMs: number;
  };
  readonly disk: { readonly latencyMs: number; readonly lostShare: number };
  readonly database: {
    readonly latencyMs: number;
    /** Probability that a statement's answer is lost, its commit done, not done, or done later. */
    readonly timeouts: number;
  };
  /** Speeds of clocks, 1 being right. */
  readonly clocks: { readonly server: number; readonly hosts: readonly number[] };
  readonly jobs: readonly JobPlan[];
  readonly requests: readonly RequestPlan[];
  readonly faults: readonly Fault[];
}

export interface Settings {
  readonly heartbeatMs: number;
  readonly leaseMs: number;
  readonly lostAfterMs: number;
  readonly killGraceMs: number;
  readonly tasksPerHost: number;
}

export interface JobPlan {
  /** Names it in traces and requests, also when others are left out. */
  readonly name: number;
  readonly cluster: number;
  readonly at: number;
  readonly layers: readonly LayerPlan[];
}

/** Tasks that may run side by side; a barrier waits for all of the layer before, else each for the one on its host. */
export interface LayerPlan {
  readonly barrier: boolean;
  readonly tasks: readonly TaskPlan[];
}

export interface TaskPlan {
  readonly name: number;
  readonly host: number;
  readonly durationMs: number;
  readonly exitCode: number;
  readonly idempotent: boolean;
  readonly timeoutMs: number;
  readonly startWithinMs: number;
  readonly logBytes: number;
  /** Until its artifact and archives are there. */
  readonly prepareMs: number;
  /** Until its runner listens. */
  readonly runnerMs: number;
  /** What it does about SIGTERM. */
  readonly onTerm: 'ends' | 'ignores';
  /** It leaves a process behind when its runner is killed, or when it fails. */
  readonly forks: boolean;
}

export interface RequestPlan {
  readonly at: number;
  readonly kind: 'cancel' | 'retry';
  readonly job: number;
}

export type Fault = { readonly at: number } &
  /** Alone, or (`runner`) one of its runners with it. */
  (
    | { readonly kind: 'agentCrash'; readonly host: number; readonly forMs: number; readonly runner: boolean }
    | { readonly kind: 'agentStop'; readonly host: number; readonly forMs: number }
    | { readonly kind: 'reboot'; readonly host: number; readonly forMs: number }
    | { readonly kind: 'spoolDeleted'; readonly host: number; readonly forMs: number }
    /** Its agent is never heard of again. */
    | { readonly kind: 'hostGone'; readonly host: number }
    | { readonly kind: 'diskFull'; readonly host: number; readonly forMs: number }
    | { readonly kind: 'runnerKill'; readonly host: number }
    | { readonly kind: 'streamBreak'; readonly host: number }
    | { readonly kind: 'slow'; readonly host: number; readonly forMs: number; readonly factor: number }
    | {
        readonly kind: 'partition';
        readonly hosts: readonly number[];
        readonly forMs: number;
        readonly way: 'both' | 'up' | 'down';
      }
    /** With the power of its machine, or alone. */
    | { readonly kind: 'serverCrash'; readonly forMs: number; readonly power: boolean }
    | { readonly kind: 'serverStop'; readonly forMs: number }
    | { readonly kind: 'secondServer' }
    | { readonly kind: 'databaseDown'; readonly forMs: number }
    /** The server goes down, and the database, perhaps with the logs, is as it was so long before. */
    | { readonly kind: 'restore'; readonly backMs: number; readonly forMs: number; readonly logs: boolean }
  );
