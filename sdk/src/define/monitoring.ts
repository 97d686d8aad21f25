import type { AlertManifest, DashboardManifest } from '../manifest/manifest.ts';
import { called } from './callSite.ts';

/** What there is to say of an alert. */
export interface AlertOptions {
  /** How soon somebody has to look. */
  readonly severity: AlertManifest['severity'];
  /** PromQL with `$labels` in every selector, such as `up{$labels} == 0`. */
  readonly expr: string;
  /** Seconds for which it must hold; 60 when absent. */
  readonly for?: number;
  /** One sentence that says what is wrong. `{{ $labels.host }}` and `{{ $value }}` may stand in it. */
  readonly summary: string;
  /** What an operator can do about it. */
  readonly remedy: string;
}

/**
 * A rule that the server gives to Prometheus, for every cluster with the service.
 * @example
 * alerts: { CacheDown: alert({ severity: 'critical', expr: 'up{$labels} == 0', summary: '{{ $labels.host }} is down', remedy: 'Read its log' }) }
 */
export function alert({ for: seconds = 60, ...rest }: AlertOptions): Omit<AlertManifest, 'name'> {
  return called({ ...rest, for: seconds }, alert);
}

/** As `panel` gives it. */
export type Panel = DashboardManifest['panels'][number];

/** How a panel looks. */
export interface PanelOptions {
  /** `timeseries` when absent. */
  readonly kind?: Panel['kind'];
  /** A unit of Grafana, such as `ms`, `bytes` or `reqps`. */
  readonly unit?: string;
  /** The name of each line, such as `{{host}}`. */
  readonly legend?: string;
}

/**
 * A panel of a dashboard: PromQL with `$labels` in every selector; several expressions by their legends.
 * @example
 * panel('Connections', 'num_alive_connections{$labels}', { legend: '{{host}}' })
 */
export function panel(
  title: string,
  expr: string | Readonly<Record<string, string>>,
  { kind = 'timeseries', unit, legend }: PanelOptions = {},
): Panel {
  const queries =
    typeof expr === 'string'
      ? [{ expr, ...(legend === undefined ? {} : { legend }) }]
      : Object.entries(expr).map(([name, each]) => ({ expr: each, legend: name }));
  return called({ title, kind, ...(unit === undefined ? {} : { unit }), queries }, panel);
}

/**
 * A dashboard that the server gives to Grafana, for every cluster with the service.
 * @example
 * dashboards: { overview: dashboard('Cache', [panel('Requests', 'rate(requests_total{$labels}[5m])', { unit: 'reqps' })]) }
 */
export function dashboard(title: string, panels: readonly [Panel, ...Panel[]]): Omit<DashboardManifest, 'name'> {
  return called({ title, panels: [...panels] }, dashboard);
}
