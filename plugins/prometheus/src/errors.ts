import { defineError } from '@stackyard/kernel';

/** A stack ships an expression that is no PromQL, or one that could read what is not its service's. */
export class ExpressionRefusedError extends defineError(
  'PROMETHEUS_EXPRESSION_REFUSED',
  'Expression refused',
  ({ expr, why }: { expr: string; why: string }) =>
    `The expression ${JSON.stringify(expr.slice(0, 200))} is refused: ${why}`,
) {}

/** A stack ships a text that says more than a text may. */
export class TextRefusedError extends defineError(
  'PROMETHEUS_TEXT_REFUSED',
  'Text refused',
  ({ text, why }: { text: string; why: string }) => `The text ${JSON.stringify(text.slice(0, 200))} is refused: ${why}`,
) {}

export class DashboardNotFoundError extends defineError(
  'PROMETHEUS_DASHBOARD_NOT_FOUND',
  'No such dashboard',
  ({ cluster, service, name }: { cluster: string; service: string; name: string }) =>
    `Service ${service} of cluster ${cluster} has no dashboard ${name}. List them with GET /api/v1/grafana/dashboards.`,
) {}

export class ClusterNotFoundError extends defineError(
  'PROMETHEUS_CLUSTER_NOT_FOUND',
  'No such cluster',
  ({ cluster }: { cluster: string }) =>
    `There is no cluster ${JSON.stringify(cluster.slice(0, 100))}. List them with GET /api/v1/clusters.`,
) {}

/** The status of each as an answer. */
export const statuses = [
  { error: DashboardNotFoundError, status: 404 },
  { error: ClusterNotFoundError, status: 404 },
  { error: ExpressionRefusedError, status: 422 },
  { error: TextRefusedError, status: 422 },
] as const;
