import { createHash } from 'node:crypto';
import type { ClusterPicture, ClusterService } from '@stackyard/contract';
import { ReduceDataOptionsBuilder, VizLegendOptionsBuilder } from '@grafana/grafana-foundation-sdk/common';
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import type { DashboardManifest } from '@stackyard/sdk/manifest';
import { DashboardNotFoundError } from './errors.ts';
import { plain } from './plainText.ts';
import { bindLabels, matcher } from './promql.ts';

/** A dashboard that can be asked for. */
export interface DashboardEntry {
  readonly cluster: string;
  readonly service: string;
  readonly name: string;
  readonly title: string;
  /** The same for as long as cluster, service and dashboard keep their names. */
  readonly uid: string;
}

type PanelManifest = DashboardManifest['panels'][number];

/** Two panels beside each other, of the 24 columns that Grafana has. */
const SPAN = 12;
const HEIGHT = 8;
const datasource = { type: 'prometheus', uid: '${datasource}' };

export function dashboardList(clusters: readonly ClusterPicture[]): DashboardEntry[] {
  return clusters.flatMap((cluster) =>
    cluster.services.flatMap((service) =>
      (service.manifest.dashboards ?? []).map(({ name, title }) => ({
        cluster: cluster.name,
        service: service.name,
        name,
        title,
        uid: uidOf(cluster.name, service.name, name),
      })),
    ),
  );
}

/**
 * A dashboard of a service as Grafana imports it. It opens on its cluster; its variables lead to other clusters with the
 * service, and to some of the hosts.
 *
 * @throws DashboardNotFoundError; ExpressionRefusedError and TextRefusedError for what no dashboard may have
 */
export function dashboardOf(cluster: ClusterPicture, service: ClusterService, name: string): Dashboard {
  const manifest = service.manifest.dashboards?.find((dashboard) => dashboard.name === name);
  if (!manifest) throw new DashboardNotFoundError({ cluster: cluster.name, service: service.name, name });
  const ofService = matcher('service', service.name);
  const dashboard = new DashboardBuilder(plain(manifest.title))
    .uid(uidOf(cluster.name, service.name, name))
    .tags(['stackyard', service.name, cluster.name])
    .time({ from: 'now-3h', to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(
      variable('cluster', `label_values(up{${ofService}}, cluster)`).current({
        selected: true,
        text: cluster.name,
        value: cluster.name,
      }),
    )
    .withVariable(
      variable('host', `label_values(up{cluster="$cluster",${ofService}}, host)`)
        .multi(true)
        .includeAll(true)
        .allValue('.*')
        .current({ selected: true, text: ['All'], value: ['$__all'] }),
    );
  const matchers = ['cluster="$cluster"', ofService, 'host=~"$host"'];
  for (const panel of manifest.panels) dashboard.withPanel(panelOf(panel, matchers));
  return dashboard.build();
}

function variable(name: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(`${name.charAt(0).toUpperCase()}${name.slice(1)}`)
    .datasource(datasource)
    .query({ query, refId: name })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged);
}

const panels = {
  timeseries: () => new TimeseriesBuilder().legend(new VizLegendOptionsBuilder().showLegend(true)),
  stat: () => new StatBuilder().reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull'])),
  table: () => new TableBuilder(),
} satisfies Record<PanelManifest['kind'], () => unknown>;

function panelOf({ title, kind, unit, queries }: PanelManifest, matchers: readonly string[]) {
  const panel = panels[kind]().title(plain(title)).datasource(datasource).span(SPAN).height(HEIGHT);
  if (unit !== undefined) panel.unit(plain(unit));
  for (const [at, { expr, legend }] of queries.entries()) {
    const query = new DataqueryBuilder().refId(`Q${at + 1}`).expr(bindLabels(expr, matchers));
    if (legend !== undefined) query.legendFormat(plain(legend));
    if (kind === 'timeseries') query.range();
    else query.instant();
    if (kind === 'table') query.format(PromQueryFormat.Table);
    panel.withTarget(query);
  }
  return panel;
}

/** Grafana takes 40 characters of these at most. */
function uidOf(...names: readonly string[]): string {
  return `stackyard-${createHash('sha256').update(JSON.stringify(names)).digest('hex').slice(0, 24)}`;
}
