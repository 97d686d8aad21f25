import type { StatsSnapshot } from '@stackyard/contract';
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import { serverMetrics } from './serverMetrics.ts';

/** Gauges that prom-client names like counters; `nodejs_active_handles` and its siblings say the same by type. */
const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** The metrics of this process, in a registry of their own. One per process is enough: it watches the garbage collector. */
export function processRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);
  return registry;
}

/** The metrics of the server at one moment: all of them from the same snapshot. */
export function serverRegistry(stats: StatsSnapshot): Registry {
  const registry = new Registry();
  for (const { name, help, type, read } of serverMetrics) {
    const values = read(stats).map((sample) => ({
      ...(sample.name ? { metricName: sample.name } : {}),
      labels: sample.labels ?? {},
      value: sample.value,
    }));
    // A registry asks its metrics for no more than this. Its own classes count what they see themselves, and a
    // histogram of theirs cannot be given the counts that the server has.
    const metric = { name, help, type, get: async () => ({ name, help, type, values, aggregator: 'sum' }) };
    registry.registerMetric(metric as unknown as Metric);
  }
  return registry;
}
