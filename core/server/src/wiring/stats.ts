import { ServerStats, type StatsSnapshot } from '@stackyard/contract';
import { Clock, definePlugin, provide, token } from '@stackyard/kernel';
import type { Histogram } from '../engine/writer/histogram.ts';
import { VERSION } from '../version.ts';
import { EngineParts } from './engine.ts';

interface Sample {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

/** Counts answered requests by method, route and status. */
export interface RequestSamples {
  add(sample: Sample): void;
  read(): StatsSnapshot['requests'];
}
export const RequestSamples = token<RequestSamples>('server.RequestSamples');

class CountedRequests implements RequestSamples {
  readonly #counts = new Map<
    string,
    { method: string; route: string; status: number; count: number; seconds: number }
  >();

  add({ method, route, status, seconds }: Sample): void {
    const key = `${method} ${route} ${status}`;
    const row = this.#counts.get(key) ?? { method, route, status, count: 0, seconds: 0 };
    row.count += 1;
    row.seconds += seconds;
    this.#counts.set(key, row);
  }

  read(): StatsSnapshot['requests'] {
    return [...this.#counts.values()];
  }
}
provide(CountedRequests);

class WiredStats implements ServerStats {
  readonly #engine: EngineParts;
  readonly #requests: RequestSamples;
  readonly #clock: Clock;
  readonly #startedMs: number;

  constructor(engine: EngineParts, requests: RequestSamples, clock: Clock) {
    this.#engine = engine;
    this.#requests = requests;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  snapshot(): StatsSnapshot {
    const uptimeSeconds = (this.#clock.monotonicMs() - this.#startedMs) / 1000;
    const { connectedAgents, queuedJobs, runningJobs, runningTasks, endedAttempts, commitMs } =
      this.#engine.engine.stats();
    return {
      version: VERSION,
      uptimeSeconds,
      agentsConnected: connectedAgents,
      jobsQueued: queuedJobs,
      jobsRunning: runningJobs,
      tasksRunning: runningTasks,
      attemptsEnded: endedAttempts,
      commits: inSeconds(commitMs),
      requests: this.#requests.read(),
    };
  }
}
provide(WiredStats, EngineParts, RequestSamples, Clock);

/** Buckets as Prometheus has them: each counts everything up to its bound. */
function inSeconds({ bounds, counts, sum, count }: Histogram): StatsSnapshot['commits'] {
  let total = 0;
  const buckets = bounds.map((bound, index) => {
    total += counts[index] ?? 0;
    return { le: bound / 1000, count: total };
  });
  return { buckets, sum: sum / 1000, count };
}

export const statsPlugin = definePlugin({
  id: 'server.stats',
  needs: [EngineParts, Clock],
  register: (plugin) => plugin.provide(RequestSamples, CountedRequests).provide(ServerStats, WiredStats),
});
