import { foundJava, javaFor } from '../java.ts';
import type { JavaOnHost, PlannedTask } from '../plan.ts';
import type { ClusterState } from '../state.ts';

/** Which JDK the installs of a plan use, once for each host and service. */
export function javaOf(next: ClusterState, tasks: readonly PlannedTask[]): JavaOnHost[] {
  const ranges = new Map(next.services.map(({ name, manifest }) => [name, manifest.requires.jdk]));
  const hosts = new Map(next.hosts.map((host) => [host.id, host]));
  const found = new Map<string, JavaOnHost>();
  for (const { phase, hostId, service } of tasks) {
    const [range, host] = [ranges.get(service), hosts.get(hostId)];
    if (phase !== 'install' || !range || !host) continue;
    const java = javaFor(range, host, next.javaRuntime);
    if (!java) continue;
    const reason = java.packaged
      ? `${host.name} has ${foundJava(host)}, and ${service} needs ${range}`
      : `${host.name} has it, and ${service} needs ${range}`;
    found.set(`${hostId} ${service}`, { hostId, service, ...java, reason });
  }
  return [...found.values()];
}
