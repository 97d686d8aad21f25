import { type ClusterPicture, Clusters, defineRoute, type Route, type Routes } from '@stackyard/contract';
import { Logger, provide, token } from '@stackyard/kernel';
import { z } from 'zod';
import { dashboardList, dashboardOf } from './dashboards.ts';
import { ClusterNotFoundError, DashboardNotFoundError, statuses } from './errors.ts';
import { tagged } from './etag.ts';
import { rulesOf, rulesYaml } from './rules.ts';
import { targetsOf } from './targets.ts';

/** What whoever runs the server decided about this plugin. */
export interface MonitoringOptions {
  readonly consoleUrl?: string | undefined;
}
export const MonitoringOptions = token<MonitoringOptions>('prometheus.Options');

const name = z.string().min(1).max(100);
const ofCluster = z.strictObject({ cluster: name.optional().describe('Id or name; every cluster when absent') });
const json = 'application/json; charset=utf-8';
const words = { tag: 'monitoring', audit: 'none', refusals: statuses } as const;
const unchanged = { 304: { description: 'As the client has it, by If-None-Match' } } as const;

const TargetGroups = z
  .array(
    z.object({
      targets: z.array(z.string()).describe('host:port'),
      labels: z.record(z.string(), z.string()),
    }),
  )
  .meta({ id: 'TargetGroups' });

const DashboardList = z
  .object({
    items: z.array(
      z.object({ cluster: z.string(), service: z.string(), name: z.string(), title: z.string(), uid: z.string() }),
    ),
  })
  .meta({ id: 'DashboardList' });

/** What stacks ship for monitoring, as Prometheus and Grafana read it. */
export class MonitoringRoutes implements Routes {
  readonly routes: readonly Route[];
  readonly #clusters: Clusters;
  readonly #log: Logger;
  readonly #consoleUrl: string | undefined;
  /** What was told as left out, so that it is told once and not at every look. */
  readonly #told = new Set<string>();

  constructor(clusters: Clusters, log: Logger, { consoleUrl }: MonitoringOptions) {
    this.#clusters = clusters;
    this.#log = log;
    this.#consoleUrl = consoleUrl;
    this.routes = [this.#targets(), this.#rules(), this.#dashboards(), this.#dashboard()];
  }

  #targets(): Route {
    return defineRoute({
      ...words,
      method: 'GET',
      url: '/prometheus/targets',
      operationId: 'listPrometheusTargets',
      summary: 'What Prometheus is to scrape',
      description:
        'HTTP service discovery of Prometheus: every host component that declares metrics, with the labels cluster, service, component, host and stack_version. Components that do not run are in it, so that they are seen as down. For relabelling there are __meta_stackyard_desired, __meta_stackyard_ordinal and __meta_stackyard_stack.',
      permission: { action: 'read', resource: 'cluster' },
      clusterOf: ({ query }) => this.#idOf(query.cluster),
      query: ofCluster,
      answers: {
        200: {
          description: 'The targets',
          schema: TargetGroups,
          example: [
            {
              targets: ['10.0.0.1:7000'],
              labels: { cluster: 'demo', service: 'zookeeper', component: 'zookeeper_server', host: 'zk1' },
            },
          ],
        },
        ...unchanged,
      },
      problems: [404],
      handle: async ({ query, headers }) =>
        tagged(JSON.stringify(targetsOf(await this.#read(query.cluster))), json, headers['if-none-match']),
    });
  }

  #rules(): Route {
    return defineRoute({
      ...words,
      method: 'GET',
      url: '/prometheus/rules',
      operationId: 'readPrometheusRules',
      summary: 'Alerts of the stacks as rules of Prometheus',
      description:
        'A file for rule_files: one group for each service of each cluster. Every selector is bound to its cluster and service; an alert that could not be bound is left out and named in a comment. `stackyard monitoring sync` keeps the files of a Prometheus like this.',
      permission: { action: 'read', resource: 'cluster' },
      clusterOf: ({ query }) => this.#idOf(query.cluster),
      query: ofCluster,
      answers: { 200: { description: 'The rules as YAML', text: true }, ...unchanged },
      problems: [404],
      handle: async ({ query, headers }) => {
        const rules = rulesOf(await this.#read(query.cluster), this.#consoleUrl);
        for (const left of rules.leftOut) this.#tell(left);
        return tagged(rulesYaml(rules), 'application/yaml; charset=utf-8', headers['if-none-match']);
      },
    });
  }

  #dashboards(): Route {
    return defineRoute({
      ...words,
      method: 'GET',
      url: '/grafana/dashboards',
      operationId: 'listGrafanaDashboards',
      summary: 'List the dashboards of the stacks',
      description: 'The dashboards that the services of the clusters ship, with the uid that each has in Grafana.',
      permission: { action: 'read', resource: 'cluster' },
      clusterOf: ({ query }) => this.#idOf(query.cluster),
      query: ofCluster,
      answers: { 200: { description: 'The dashboards', schema: DashboardList }, ...unchanged },
      problems: [404],
      handle: async ({ query, headers }) =>
        tagged(
          JSON.stringify({ items: dashboardList(await this.#read(query.cluster)) }),
          json,
          headers['if-none-match'],
        ),
    });
  }

  #dashboard(): Route {
    return defineRoute({
      ...words,
      method: 'GET',
      url: '/grafana/dashboards/:cluster/:service/:name',
      operationId: 'getGrafanaDashboard',
      summary: 'Read a dashboard as Grafana imports it',
      description:
        'The JSON model of Grafana, with variables for data source, cluster and host, and a uid that stays. `stackyard monitoring sync` writes it where Grafana provisions from.',
      permission: { action: 'read', resource: 'cluster' },
      clusterOf: ({ params }) => this.#idOf(params.cluster),
      params: z.strictObject({ cluster: name, service: name, name }),
      answers: {
        200: {
          description: 'The dashboard',
          schema: z.record(z.string(), z.unknown()).meta({ id: 'GrafanaDashboard' }),
        },
        ...unchanged,
      },
      problems: [404, 422],
      handle: async ({ params, headers }) => {
        const [cluster] = await this.#read(params.cluster);
        const service = cluster?.services.find((each) => each.name === params.service);
        if (!cluster || !service) throw new DashboardNotFoundError(params);
        const body = `${JSON.stringify(dashboardOf(cluster, service, params.name), undefined, 2)}\n`;
        return tagged(body, json, headers['if-none-match']);
      },
    });
  }

  async #read(cluster: string | undefined): Promise<readonly ClusterPicture[]> {
    const found = await this.#clusters.list({ cluster });
    if (cluster !== undefined && found.length === 0) throw new ClusterNotFoundError({ cluster });
    return found;
  }

  async #idOf(cluster: string | undefined): Promise<string | undefined> {
    return cluster === undefined ? undefined : (await this.#read(cluster))[0]?.id;
  }

  #tell(left: { readonly group: string; readonly alert: string; readonly why: string }): void {
    const key = JSON.stringify(left);
    if (this.#told.has(key)) return;
    if (this.#told.size > 1_000) this.#told.clear();
    this.#told.add(key);
    this.#log.warn({ ...left }, 'An alert of a stack is not served');
  }
}
provide(MonitoringRoutes, Clusters, Logger, MonitoringOptions);
