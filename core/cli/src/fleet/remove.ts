import { setTimeout as delay } from 'node:timers/promises';
import { SIMULATED_OS } from '@stackyard/fleet';
import { allOf, type Api, answerOf } from '../api/client.ts';
import type { Host } from '../api/types.ts';
import { CliError } from '../errors.ts';

const AT_A_TIME = 8;
/** A host whose agent has just gone is out of reach a moment later. */
const SETTLE_MS = 500;

/**
 * Forgets the simulated hosts of a prefix, and takes what was put on them out of their clusters. A host that is no
 * simulated one is never touched, whatever its name is. @returns how many were forgotten
 */
export async function removeSimulated(api: Api, prefix: string, say: (what: string) => void): Promise<number> {
  await delay(SETTLE_MS);
  const all = await allOf((query) => api.GET('/api/v1/hosts', { params: { query } }));
  const ours = all.filter((host) => isSimulated(host, prefix));
  for (const [cluster, hosts] of Map.groupBy(ours, ({ clusterId }) => clusterId)) {
    if (cluster !== null) await emptyHosts(api, cluster, hosts, say);
  }
  const left = [...ours];
  const worker = async (): Promise<void> => {
    for (let host = left.pop(); host; host = left.pop()) {
      await answerOf(api.DELETE('/api/v1/hosts/{host}', { params: { path: { host: host.id } } }));
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return ours.length;
}

/** Without facts it has joined and never said a word. */
export function isSimulated({ name, facts }: Pick<Host, 'name' | 'facts'>, prefix: string): boolean {
  const isNamed = name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length));
  return isNamed && (facts === null || facts.os === SIMULATED_OS);
}

async function emptyHosts(api: Api, cluster: string, hosts: readonly Host[], say: (what: string) => void) {
  const names = new Set(hosts.map(({ name }) => name));
  const path = { cluster };
  const components = await allOf((query) =>
    api.GET('/api/v1/clusters/{cluster}/components', { params: { path, query } }),
  );
  const used = [...new Set(components.map(({ host }) => host).filter((host) => names.has(host)))];
  if (used.length === 0) return;
  say(`Taking what is on ${used.length} simulated hosts out of their cluster.`);
  const body = { command: 'remove' as const, target: { hosts: used }, data: 'keep' as const, lost: true };
  const { id } = await answerOf(api.POST('/api/v1/clusters/{cluster}/commands', { params: { path }, body }));
  for (;;) {
    const { state } = await answerOf(
      api.GET('/api/v1/jobs/{job}', { params: { path: { job: id }, query: { wait: '30s' } } }),
    );
    if (state === 'SUCCESSFUL') return;
    if (state !== 'PENDING' && state !== 'RUNNING')
      throw new CliError(`What is on the simulated hosts could not be taken out: job ${id} is ${state}.`);
  }
}
