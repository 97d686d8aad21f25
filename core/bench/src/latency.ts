import { fileURLToPath } from 'node:url';
import { pingPongAndCommit } from './anchors/pingPong.ts';
import { figureOf, median, type Report } from './figures.ts';
import type { JobAnswer } from './world/api.ts';
import { startChild } from './world/children.ts';
import { cpuMsOf } from './world/usage.ts';
import type { World } from './world/world.ts';

const WARM_UP = 20;

export interface LatencyOptions {
  readonly report: Report;
  /** Jobs per kind of agent. */
  readonly jobs: number;
}

/** Milliseconds after the request was sent. */
interface Stages {
  readonly answered: number;
  readonly started: number;
  readonly ended: number;
}

/** A job of one no-op task, from the request to its end as the client sees it; beside a bare round trip and commit. */
export async function benchLatency(world: World, { report, jobs }: LatencyOptions): Promise<void> {
  await makeCluster(world, 'one-real', 'real');
  await makeCluster(world, 'one-sim', 'sim');
  const anchor = await anchorMs(world, jobs);
  report(figureOf({ name: 'bare gRPC round trip and one commit', unit: 'ms' }, anchor));
  // A person's pace and a script's: the runner of the next job gets ready while nothing runs.
  const kinds = [
    { cluster: 'one-real', name: 'job of one task, agent', aim: '< 25' },
    { cluster: 'one-sim', name: 'job of one task, simulated agent', aim: undefined },
  ];
  for (const { cluster, name, aim } of kinds) {
    for (let n = 0; n < WARM_UP; n++) await oneJob(world, cluster);
    const stages: Stages[] = [];
    const before = await cpuMsOf(world.server.pid);
    for (let n = 0; n < jobs; n++) stages.push(await oneJob(world, cluster));
    const serverMs = ((await cpuMsOf(world.server.pid)) - before) / jobs;
    const column = (of: (stage: Stages) => number) => stages.map(of);
    const ended = column((stage) => stage.ended);
    report(figureOf({ name, unit: 'ms', ...(aim ? { aim } : {}) }, ended));
    report(
      figureOf(
        { name: `  POST answered`, unit: 'ms' },
        column((stage) => stage.answered),
      ),
    );
    report(
      figureOf(
        { name: `  attempt started`, unit: 'ms' },
        column((stage) => stage.started),
      ),
    );
    // With the two reads of each round that tell when the attempt started.
    report(figureOf({ name: "  server's processor time, reads of the result included", unit: 'ms' }, [serverMs]));
    report(figureOf({ name: `  by the bare round trip and commit`, unit: 'ratio' }, [median(ended) / median(anchor)]));
  }
}

async function oneJob({ api }: World, cluster: string): Promise<Stages> {
  const sentAt = performance.timeOrigin + performance.now();
  const begin = performance.now();
  const { id } = await api.post<JobAnswer>(`/clusters/${cluster}/commands`, { command: 'check', target: {} });
  const answered = performance.now() - begin;
  await api.finished(id);
  const ended = performance.now() - begin;
  const tasks = await api.get<{ items: { id: string }[] }>(`/jobs/${id}/tasks`);
  const attempts = await api.get<{ items: { startedAt: string }[] }>(`/tasks/${tasks.items[0]?.id}/attempts`);
  return { answered, ended, started: Date.parse(attempts.items[0]?.startedAt ?? '') - sentAt };
}

async function makeCluster({ api }: World, cluster: string, host: string): Promise<void> {
  await api.post('/clusters', { name: cluster, hosts: [host] });
  const components = { worker: [host], follower: [] };
  await api.run(cluster, { command: 'add', services: [{ service: 'mock', components }] });
}

async function anchorMs(world: World, rounds: number): Promise<number[]> {
  const echoMain = fileURLToPath(new URL('./anchors/echoMain.ts', import.meta.url));
  const args = ['--conditions=@stackyard/source', echoMain];
  const echo = await startChild<{ endpoint: string }>({ args, cwd: world.dir, logFile: `${world.dir}/echo.log` });
  try {
    const options = { endpoint: echo.ready.endpoint, databaseUrl: await world.databaseUrl() };
    return (await pingPongAndCommit(options, rounds + WARM_UP)).slice(WARM_UP);
  } finally {
    await echo.end();
  }
}
