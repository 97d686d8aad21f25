import type { StatsSnapshot } from '@stackyard/contract';

/** One line of the exposition: a value under its labels; `name` only where it differs from the metric's own. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string | number>>;
  readonly name?: string;
  readonly value: number;
}

/** A metric and how to read it from a snapshot. */
export interface ServerMetric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly read: (stats: StatsSnapshot) => readonly Sample[];
}

const one = (value: number): readonly Sample[] => [{ value }];
const commit = 'stackyard_commit_duration_seconds';

/** Everything that is told about the server besides its process. Units are base units, and counters end in `_total`. */
export const serverMetrics: readonly ServerMetric[] = [
  {
    name: 'stackyard_build_info',
    help: 'Version of the server and of the Node.js that runs it; always 1.',
    type: 'gauge',
    read: ({ version = 'unknown' }) => [{ labels: { version, node: process.versions.node }, value: 1 }],
  },
  {
    name: 'stackyard_uptime_seconds',
    help: 'Seconds since the server started.',
    type: 'gauge',
    read: ({ uptimeSeconds }) => one(uptimeSeconds),
  },
  {
    name: 'stackyard_agents_connected',
    help: 'Agents with an open session.',
    type: 'gauge',
    read: ({ agentsConnected }) => one(agentsConnected),
  },
  {
    name: 'stackyard_jobs_queued',
    help: 'Jobs that wait for their turn.',
    type: 'gauge',
    read: ({ jobsQueued }) => one(jobsQueued),
  },
  {
    name: 'stackyard_jobs_running',
    help: 'Jobs that run.',
    type: 'gauge',
    read: ({ jobsRunning }) => one(jobsRunning),
  },
  {
    name: 'stackyard_tasks_running',
    help: 'Tasks issued to agents and not yet ended.',
    type: 'gauge',
    read: ({ tasksRunning }) => one(tasksRunning),
  },
  {
    name: 'stackyard_attempts_ended_total',
    help: 'Attempts of tasks that ended since the server started, by state.',
    type: 'counter',
    read: ({ attemptsEnded }) => Object.entries(attemptsEnded).map(([state, value]) => ({ labels: { state }, value })),
  },
  {
    name: commit,
    help: 'Duration of the database commits of job state.',
    type: 'histogram',
    read: ({ commits: { buckets, sum, count } }) => [
      ...buckets
        .filter(({ le }) => Number.isFinite(le))
        .map((bucket) => ({ name: `${commit}_bucket`, labels: { le: bucket.le }, value: bucket.count })),
      { name: `${commit}_bucket`, labels: { le: '+Inf' }, value: count },
      { name: `${commit}_sum`, value: sum },
      { name: `${commit}_count`, value: count },
    ],
  },
  {
    name: 'stackyard_http_requests_total',
    help: 'Answered HTTP requests by method, route and status.',
    type: 'counter',
    read: ({ requests }) =>
      requests.map(({ method, route, status, count }) => ({ labels: { method, route, status }, value: count })),
  },
  {
    name: 'stackyard_http_request_duration_seconds_total',
    help: 'Seconds spent on answered HTTP requests by method, route and status; event streams count until they end.',
    type: 'counter',
    read: ({ requests }) =>
      requests.map(({ method, route, status, seconds }) => ({ labels: { method, route, status }, value: seconds })),
  },
];
