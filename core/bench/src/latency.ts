import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pingPongAndCommit } from './anchors/pingPong.ts';
import { figureOf, median, type Report } from './figures.ts';
import type { JobAnswer } from './world/api.ts';
import { startChild } from './world/children.ts';
import { cpuMsOf } from './world/usage.ts';
import type { World } from './world/world.ts';

const WARM_UP = 20;
const PAUSE_MS = 300;

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
  const shared = { jobs, anchorMs: median(anchor), report };
  await series(world, {
    cluster: 'one-real',
    name: 'job of one task, agent',
    pauseMs: PAUSE_MS,
    aim: '< 15',
    ...shared,
  });
  await series(world, { cluster: 'one-real', name: 'job of one task, agent, one job after the other', ...shared });
  await series(world, { cluster: 'one-sim', name: 'job of one task, simulated agent', ...shared });
}

interface Series {
  readonly cluster: string;
  readonly name: string;
  readonly aim?: string;
  /** Between jobs: an agent fills its pool of runners again while it has nothing to do. */
  readonly pauseMs?: number;
  readonly jobs: number;
  readonly anchorMs: number;
  readonly report: Report;
}

async function series(
  world: World,
  { cluster, name, aim, pauseMs = 0, jobs, anchorMs, report }: Series,
): Promise<void> {
  const stages: Stages[] = [];
  let serverMs = 0;
  for (let n = -WARM_UP; n < jobs; n++) {
    if (pauseMs > 0) await delay(pauseMs);
    const before = await cpuMsOf(world.server.pid);
    const stage = await oneJob(world, cluster);
    if (n < 0) continue;
    serverMs += (await cpuMsOf(world.server.pid)) - before;
    stages.push(stage);
  }
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
  report(figureOf({ name: "  server's processor time, with the reads of this bench", unit: 'ms' }, [serverMs / jobs]));
  report(figureOf({ name: `  by the bare round trip and commit`, unit: 'ratio' }, [median(ended) / anchorMs]));
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
