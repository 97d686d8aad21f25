import { Clusters, defineRoute, Routes, ServerStats } from '@stackyard/contract';
import { definePlugin, Logger, provide } from '@stackyard/kernel';
import { Registry } from 'prom-client';
import { processRegistry, serverRegistry } from './exposition.ts';
import { MonitoringOptions, MonitoringRoutes } from './monitoringRoutes.ts';
import { prometheusSettings } from './settings.ts';

class MetricsRoute implements Routes {
  readonly routes: Routes['routes'];

  constructor(stats: ServerStats) {
    const ofProcess = processRegistry();
    this.routes = [
      defineRoute({
        method: 'GET',
        url: '/metrics',
        root: true,
        operationId: 'readMetrics',
        tag: 'server',
        summary: 'Internals of the server for Prometheus',
        description:
          'What the server and its process are doing now, in the text format of Prometheus. A scraper sends a bearer token.',
        permission: { action: 'read', resource: 'server' },
        audit: 'none',
        answers: { 200: { description: 'Metrics in the text format 0.0.4', text: true } },
        handle: async () => {
          const all = Registry.merge([serverRegistry(stats.snapshot()), ofProcess]);
          return { headers: { 'content-type': all.contentType }, body: await all.metrics() };
        },
      }),
    ];
  }
}
provide(MetricsRoute, ServerStats);

/** Offers `GET /metrics`, and what stacks ship for monitoring: targets, rules and dashboards. */
export default definePlugin({
  id: 'prometheus',
  needs: [ServerStats, Clusters, Logger],
  register: (plugin) =>
    plugin
      .value(MonitoringOptions, prometheusSettings.read({ env: process.env }))
      .contribute(Routes, MetricsRoute)
      .contribute(Routes, MonitoringRoutes),
});
