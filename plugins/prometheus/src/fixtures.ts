import type { ClusterPicture, PlacedComponent } from '@stackyard/contract';
import type { AlertManifest, DashboardManifest, ServiceManifest } from '@stackyard/sdk/manifest';

/** The world of this plugin's tests: clusters with a service called cache. */
export const down: AlertManifest = {
  name: 'CacheDown',
  severity: 'critical',
  expr: 'up{$labels} == 0',
  for: 30,
  summary: 'The cache on {{ $labels.host }} does not answer',
  remedy: 'Start it, or look into its log',
};

export const overview: DashboardManifest = {
  name: 'overview',
  title: 'Cache',
  panels: [
    { title: 'Up', kind: 'stat', queries: [{ expr: 'sum(up{$labels})' }] },
    {
      title: 'Requests',
      kind: 'timeseries',
      unit: 'reqps',
      queries: [{ expr: 'rate(requests_total{$labels, code!="200"}[5m])', legend: '{{host}}' }],
    },
    { title: 'By host', kind: 'table', queries: [{ expr: 'max by (host) (size{$labels})' }] },
  ],
};

export function placed(host: string, more: Partial<PlacedComponent> = {}): PlacedComponent {
  return {
    id: `id-${host}`,
    component: 'server',
    host,
    address: '10.0.0.1',
    ordinal: 1,
    desired: 'RUNNING',
    observed: 'RUNNING',
    metrics: { address: '10.0.0.1', port: 7000, path: '/metrics' },
    ...more,
  };
}

export function clusterWith(
  {
    alerts = [down],
    dashboards = [overview],
  }: { readonly alerts?: readonly AlertManifest[]; readonly dashboards?: readonly DashboardManifest[] } = {},
  { name = 'demo', hostComponents = [placed('h1')] }: { name?: string; hostComponents?: PlacedComponent[] } = {},
): ClusterPicture {
  const manifest: ServiceManifest = {
    name: 'cache',
    title: 'Cache',
    version: '1.0.0',
    user: 'cache',
    packages: [],
    requires: { services: [] },
    configs: [],
    components: [],
    exports: {},
    alerts: [...alerts],
    dashboards: [...dashboards],
  };
  const stack = { name: '@stack/cache', version: '2.0.0' };
  return { id: `id-${name}`, name, revision: 1, services: [{ name: 'cache', stack, manifest, hostComponents }] };
}
