import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { rawLog } from './anchors/rawLog.ts';
import { figureOf, median, type Report } from './figures.ts';
import type { JobAnswer } from './world/api.ts';
import { cpuMsOf, residentOf } from './world/usage.ts';
import type { World } from './world/world.ts';

const ROUNDS = 7;
const POLL_MS = 5;
const CLUSTER = 'printing';
const MIB = 2 ** 20;
/** The first is sent while the script runs; of the second, all but the first 16 MiB when it has ended. */
const SIZES = [16, 60];

interface Timed {
  readonly rate: number;
  readonly serverMs: number;
  readonly agentMs: number;
  /** Most resident memory of the server that was seen, MB. */
  readonly serverMemory: number;
}

/** MB per second from a script's output on an agent to the server's durable file, beside a bare gRPC stream to a file. */
export async function benchLogs(world: World, { report }: { report: Report }): Promise<void> {
  const agent = await world.startAgent('printer');
  await world.api.post('/clusters', { name: CLUSTER, hosts: ['printer'] });
  const services = SIZES.map((size) => ({ service: `print${size}`, components: { printer: ['printer'] } }));
  await world.api.run(CLUSTER, { command: 'add', services });
  const identityFile = join(world.dir, 'printer', 'var/lib/stackyard/agent/identity.json');
  const idle = await residentOf(world.server.pid);
  for (const size of SIZES) {
    const bare = await rawLog(world.dir, { rounds: ROUNDS, bytes: size * MIB, identityFile });
    const timed: Timed[] = [];
    for (let round = 0; round < ROUNDS; round++) timed.push(await print(world, agent.pid, size));
    const column = (of: (each: Timed) => number): number[] => timed.map(of);
    const rates = column(({ rate }) => rate);
    report(figureOf({ name: `bare gRPC stream to a file, ${size} MiB`, unit: 'MB/s' }, bare));
    report(figureOf({ name: `a script's output to the server's file, ${size} MiB`, unit: 'MB/s' }, rates));
    report(figureOf({ name: '  by the bare stream', unit: 'ratio', aim: '>= 0.5' }, [median(rates) / median(bare)]));
    report(
      figureOf(
        { name: "  server's processor time", unit: 'ms' },
        column(({ serverMs }) => serverMs),
      ),
    );
    report(
      figureOf(
        { name: "  agent's processor time", unit: 'ms' },
        column(({ agentMs }) => agentMs),
      ),
    );
    const grown = column(({ serverMemory }) => serverMemory - idle);
    report(figureOf({ name: "  server's resident memory above idle", unit: 'MB' }, grown));
  }
}

async function print(world: World, agentPid: number, size: number): Promise<Timed> {
  const { api, server } = world;
  await delay(300); // the agent fills its pool of runners again
  const before = [await cpuMsOf(server.pid), await cpuMsOf(agentPid)] as const;
  const command = { command: 'check', target: { service: `print${size}` } };
  const { id } = await api.post<JobAnswer>(`/clusters/${CLUSTER}/commands`, command);
  const [task] = (await api.get<{ items: { id: string }[] }>(`/jobs/${id}/tasks`)).items;
  const file = join(world.dir, 'server', 'logs', task!.id.slice(0, 2), `${task!.id}.1.log`);
  let serverMemory = 0;
  const complete = await fileIn(file, async ({ mode }) => {
    serverMemory = Math.max(serverMemory, await residentOf(server.pid));
    return (mode & 0o200) === 0;
  });
  await api.finished(id);
  if (complete.size < size * MIB) throw new Error(`${file} has ${complete.size} bytes instead of ${size} MiB.`);
  const { items } = await api.get<{ items: { startedAt: string }[] }>(`/tasks/${task!.id}/attempts`);
  // It is made read-only when all of it is durable.
  const seconds = (complete.ctimeMs - Date.parse(items[0]?.startedAt ?? '')) / 1000;
  return {
    rate: (size * MIB) / 1e6 / seconds,
    serverMs: (await cpuMsOf(server.pid)) - before[0],
    agentMs: (await cpuMsOf(agentPid)) - before[1],
    serverMemory,
  };
}

async function fileIn(path: string, isReached: (found: Stats) => Promise<boolean>): Promise<Stats> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const found = await stat(path).catch(() => undefined);
    if (found && (await isReached(found))) return found;
    if (performance.now() > deadline) throw new Error(`${path} did not get as far within 60 s.`);
    await delay(POLL_MS);
  }
}
