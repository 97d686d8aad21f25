import { token } from '@stackyard/kernel';

/** Internals of the server at one moment, for whoever exports them. Durations in seconds. */
export interface StatsSnapshot {
  /** Of the server; undefined when whoever answers does not know it. */
  readonly version?: string;
  readonly uptimeSeconds: number;
  readonly agentsConnected: number;
  readonly jobsQueued: number;
  readonly jobsRunning: number;
  readonly tasksRunning: number;
  /** Attempts that ended since the start of the server, by state. */
  readonly attemptsEnded: Readonly<Record<string, number>>;
  /** Database commits of the writer: cumulative counts by upper bound in seconds, as a Prometheus histogram has them. */
  readonly commits: {
    readonly buckets: readonly { readonly le: number; readonly count: number }[];
    readonly sum: number;
    readonly count: number;
  };
  /** Answered requests by method, route and status. */
  readonly requests: readonly {
    readonly method: string;
    readonly route: string;
    readonly status: number;
    readonly count: number;
    readonly seconds: number;
  }[];
}

/** Internals of the running server. */
export interface ServerStats {
  snapshot(): StatsSnapshot;
}
export const ServerStats = token<ServerStats>('contract.ServerStats');
