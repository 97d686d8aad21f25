import { type Host, type Instance, until } from '@stackyard/sdk';
import { active, ask, hadoop, manager, nodes, type Node } from './ask.ts';
import { HISTORYSERVER, mapredSite, yarnSite } from './site.ts';

/** It runs, and one of all decides. */
export const isManager = (host: Host): Promise<void> =>
  until(host, async () => {
    const { state, haState } = await manager(host, host.self);
    if (state !== 'STARTED') throw new Error(`The ResourceManager on ${host.self.host} is ${state}.`);
    const { host: decides } = await active(host);
    host.log(`${host.self.host} is ${haState}; ${decides} decides.`);
  });

/** Running is not enough: the ResourceManager has to give it containers. */
export const isNode = (host: Host): Promise<void> =>
  until(host, async () => {
    const { nodeInfo } = (await host.fetchJson(host.get(yarnSite.nodeWebPort), '/ws/v1/node/info')) as {
      nodeInfo: { id: string; nodeHealthy: boolean; healthReport: string };
    };
    if (!nodeInfo.nodeHealthy) throw new Error(`${nodeInfo.id} is not healthy: ${nodeInfo.healthReport}`);
    const known = (await nodes(host)).find(({ id }: Node) => id === nodeInfo.id);
    if (!['RUNNING', 'DECOMMISSIONING'].includes(known?.state ?? ''))
      throw new Error(`The ResourceManager knows ${nodeInfo.id} as ${known?.state ?? 'none of its nodes'}.`);
    host.log(`${nodeInfo.id} is ${known?.state} in version ${known?.version}.`);
  });

export const keepsHistory = (host: Host): Promise<void> =>
  until(host, async () => {
    const { historyInfo } = (await host.fetchJson(host.get(mapredSite.historyWebPort), '/ws/v1/history/info')) as {
      historyInfo: { hadoopVersion: string };
    };
    host.log(`The JobHistoryServer ${historyInfo.hadoopVersion} answers.`);
  });

/**
 * A small job of MapReduce from its submission to its history: HDFS, the scheduler, a container, and the JobHistoryServer.
 * One client does it for all.
 */
export async function runsJobs(host: Host): Promise<void> {
  const [first] = host.instances({ name: 'yarn_client' });
  if (first && first.ordinal !== host.self.ordinal) {
    await active(host);
    return host.log(`${first.host} runs the job of the check.`);
  }
  await until(host, async () => {
    const { clusterMetrics } = (await ask(host, '/metrics')) as { clusterMetrics: { activeNodes: number } };
    if (clusterMetrics.activeNodes === 0) throw new Error('No NodeManager is there to run a job.');
  });
  const tag = `check-${host.self.ordinal}-${Date.now()}`;
  const options = [`-Dmapreduce.job.tags=${tag}`, '-Dmapreduce.job.ubertask.enable=true'];
  const said = await hadoop(host, 'org.apache.hadoop.examples.ExampleDriver', 'pi', ...options, '1', '10');
  const pi = /Estimated value of Pi is ([\d.]+)/.exec(said)?.[1];
  if (!pi) throw new Error(`The job ended without a result:\n${said}`);
  const { apps } = (await ask(host, `/apps?applicationTags=${tag}`)) as { apps: { app: { id: string }[] } };
  const job = apps.app[0]!.id.replace('application', 'job');
  for (const history of host.instances(HISTORYSERVER)) await isInHistory(host, job, history);
  host.log(`${job} found π to be ${pi}.`);
}

const isInHistory = (host: Host, id: string, { host: on, address }: Instance): Promise<void> =>
  until(host, async () => {
    const path = `/ws/v1/history/mapreduce/jobs/${id}`;
    const { job } = (await host.fetchJson(host.get(mapredSite.historyWebPort), path, { address })) as {
      job: { state: string };
    };
    if (job.state !== 'SUCCEEDED') throw new Error(`For the JobHistoryServer on ${on} ${id} is ${job.state}.`);
  });
