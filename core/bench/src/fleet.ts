import { setTimeout as delay } from 'node:timers/promises';
import { Bare } from './anchors/bare.ts';
import { figureOf, median, type Report } from './figures.ts';
import { cpuMsOf, memoryOf } from './world/usage.ts';
import type { World } from './world/world.ts';

/** Long enough for what a start left to be collected, and for heartbeats to have found their pace. */
const SETTLE_MS = 20_000;
const IDLE_MS = 20_000;
const RESTARTS = 3;
const COMPLETE_WITHIN_MS = 120_000;

interface Idle {
  readonly kilobytes: number;
  readonly cpuMs: number;
}

/**
 * So many simulated agents, idle: what each costs the server beside the same number of bare gRPC streams over mTLS that
 * beat as often. Then, when asked, the time in which all are back after a kill -9 of the server, beside the time in which
 * as many bare streams connect.
 */
export async function benchFleet(
  world: World,
  { agents, reconnect, report }: { readonly agents: number; readonly reconnect: boolean; readonly report: Report },
): Promise<void> {
  const bare = await Bare.start(world.dir);
  try {
    const of = `${agents.toLocaleString('en')} agents`;
    const heartbeatMs = Math.max(5_000, agents * 5);
    const names = Array.from({ length: agents }, (_, index) => `sim-${index + 1}`);
    const ours = await idle(world.server.pid, agents, async () => {
      const { ready } = await world.startFleet(names);
      report(figureOf({ name: `${of}: joined`, unit: '/s' }, [agents / (ready.joinedMs / 1000)]));
    });
    const clients = await bareIdle(bare, { clients: agents, heartbeatMs });
    const { anchor } = clients;
    report(figureOf({ name: `${of}, idle: memory of the server for each`, unit: 'kB' }, [ours.kilobytes]));
    report(figureOf({ name: '  of a bare server for each stream', unit: 'kB' }, [anchor.kilobytes]));
    report(figureOf({ name: '  ours by bare', unit: 'ratio', aim: '≤ 2' }, [ours.kilobytes / anchor.kilobytes]));
    report(figureOf({ name: `${of}, idle: processor time of the server`, unit: 'ms/s' }, [ours.cpuMs]));
    report(figureOf({ name: '  of a bare server', unit: 'ms/s' }, [anchor.cpuMs]));
    report(figureOf({ name: '  ours by bare', unit: 'ratio' }, [ours.cpuMs / anchor.cpuMs]));
    if (!reconnect) return;
    const times = { bare: [clients.connectedMs], up: [] as number[], all: [] as number[], after: [] as number[] };
    let [lost, connections] = [0, 0];
    for (let restart = 0; restart < RESTARTS; restart++) {
      if (restart > 0) times.bare.push(await connectOnly(bare, agents));
      const back = await killAndComeBack(world, names);
      times.up.push(back.upMs);
      times.all.push(back.allMs);
      times.after.push(back.allMs - back.upMs);
      lost += back.lost;
      connections += back.connections;
    }
    report(figureOf({ name: `${of}: bare streams connected`, unit: 'ms' }, times.bare));
    report(figureOf({ name: `${of}: the server is up again after a kill -9`, unit: 'ms' }, times.up));
    report(figureOf({ name: `${of}: all back after the kill`, unit: 'ms' }, times.all));
    report(figureOf({ name: '  since the server is up', unit: 'ms' }, times.after));
    const ratio = median(times.after) / median(times.bare);
    report(figureOf({ name: '  since the server is up, by bare streams', unit: 'ratio', aim: '≤ 2' }, [ratio]));
    report(figureOf({ name: '  connections that were made for each', unit: '' }, [connections / RESTARTS / agents]));
    report(figureOf({ name: '  hosts that were shown as out of reach', unit: '', aim: '0' }, [lost]));
  } finally {
    await bare.close();
  }
}

/** What `connect` adds to a process for each of so many, in memory and in processor time per second of all of them. */
async function idle(pid: number, count: number, connect: () => Promise<void>): Promise<Idle> {
  await delay(SETTLE_MS / 4);
  const before = await memoryOf(pid);
  await connect();
  await delay(SETTLE_MS);
  const cpuBefore = await cpuMsOf(pid);
  await delay(IDLE_MS);
  const cpuMs = ((await cpuMsOf(pid)) - cpuBefore) / (IDLE_MS / 1000);
  return { kilobytes: (((await memoryOf(pid)).rss - before.rss) * 1000) / count, cpuMs };
}

async function bareIdle(bare: Bare, options: { readonly clients: number; readonly heartbeatMs: number }) {
  let [connectedMs, end] = [0, async (): Promise<void> => undefined];
  const anchor = await idle(bare.serverPid, options.clients, async () => {
    const child = await bare.connect(options);
    ({ connectedMs } = child.ready);
    end = () => child.end();
  });
  await end();
  return { anchor, connectedMs };
}

async function connectOnly(bare: Bare, clients: number): Promise<number> {
  const child = await bare.connect({ clients, heartbeatMs: 60_000 });
  await child.end();
  return child.ready.connectedMs;
}

async function killAndComeBack(world: World, names: readonly string[]) {
  const before = await world.fleetCompleteAt();
  const killedAt = Date.now();
  await world.killServer();
  await world.startServer();
  const upMs = Date.now() - killedAt;
  const lost = names.length - (await world.reachableHosts()).size;
  for (const deadline = performance.now() + COMPLETE_WITHIN_MS; ; await delay(20)) {
    const { completeAt, connections } = await world.fleetCompleteAt();
    if (completeAt > killedAt) {
      return { upMs, allMs: completeAt - killedAt, lost, connections: connections - before.connections };
    }
    if (performance.now() > deadline) throw new Error('The fleet did not come back.');
  }
}
