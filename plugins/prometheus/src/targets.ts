import { isIPv6 } from 'node:net';
import type { ClusterPicture } from '@stackyard/contract';

/** One group of Prometheus' HTTP service discovery. */
export interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** Every host component that tells metrics, whether it runs or not: one that does not answer is down, not gone. */
export function targetsOf(clusters: readonly ClusterPicture[]): TargetGroup[] {
  return clusters.flatMap((cluster) =>
    cluster.services.flatMap((service) =>
      service.hostComponents.flatMap(({ component, host, metrics, desired, ordinal }) =>
        metrics && desired !== 'ABSENT'
          ? [
              {
                targets: [`${isIPv6(metrics.address) ? `[${metrics.address}]` : metrics.address}:${metrics.port}`],
                labels: {
                  cluster: cluster.name,
                  service: service.name,
                  component,
                  host,
                  stack_version: service.stack.version,
                  __metrics_path__: metrics.path,
                  // For relabelling only: they end before anything is stored.
                  __meta_stackyard_desired: desired,
                  __meta_stackyard_ordinal: String(ordinal),
                  __meta_stackyard_stack: service.stack.name,
                },
              },
            ]
          : [],
      ),
    ),
  );
}
