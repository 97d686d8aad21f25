import type { OsPackagesOnHost, PlannedTask } from '../plan.ts';
import type { ClusterState } from '../state.ts';

/** What the installs of a plan ask of the operating system, once for each host and service. */
export function osPackagesOf(next: ClusterState, tasks: readonly PlannedTask[]): OsPackagesOnHost[] {
  const asking = new Map(
    next.services.flatMap(({ name, manifest }) =>
      manifest.requires.os ? [[name, manifest.requires.os] as const] : [],
    ),
  );
  if (asking.size === 0) return [];
  const families = new Map(next.hosts.map(({ id, os }) => [id, os?.family]));
  const found = new Map<string, OsPackagesOnHost>();
  for (const { phase, hostId, service } of tasks) {
    const family = families.get(hostId);
    const packages = phase === 'install' && family ? asking.get(service)?.[family] : undefined;
    if (packages) found.set(`${hostId} ${service}`, { hostId, service, packages });
  }
  return [...found.values()];
}
