import type { EngineState } from './state.ts';

export interface EngineCounts {
  readonly connectedAgents: number;
  readonly queuedJobs: number;
  readonly runningJobs: number;
  readonly runningTasks: number;
  /** Attempts that ended since the start, by state. */
  readonly endedAttempts: Readonly<Record<string, number>>;
}

export function statsOf({ sessions, scheduler, ended }: EngineState): EngineCounts {
  const { clusterOf, jobs } = scheduler;
  let connectedAgents = 0;
  for (const { link } of sessions.hosts.values()) if (link) connectedAgents += 1;
  let runningTasks = 0;
  for (const { counts } of jobs.values()) runningTasks += counts.RUNNING;
  const queuedJobs = clusterOf.size - jobs.size;
  return { connectedAgents, queuedJobs, runningJobs: jobs.size, runningTasks, endedAttempts: { ...ended } };
}
