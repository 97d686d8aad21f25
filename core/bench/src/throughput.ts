import { Bare } from './anchors/bare.ts';
import { rawCommits } from './anchors/commits.ts';
import { figureOf, median, type Report } from './figures.ts';
import type { JobAnswer } from './world/api.ts';
import { cpuMsOf, familyOf } from './world/usage.ts';
import type { World } from './world/world.ts';

const HOSTS = 100;
const ROUNDS = 3;
const CHECKS = 3;
const CLUSTER = 'wide';
const SERVICES = Array.from({ length: 10 }, (_, index) => ({ service: `part${index}` }));

interface Timed {
  readonly tasks: number;
  readonly answeredMs: number;
  readonly endedMs: number;
  readonly serverMs: number;
  readonly databaseMs: number;
  readonly fleetMs: number;
}

/**
 * Tasks per second from the request to the committed end of the job, with 100 simulated agents in a process of their
 * own: jobs of 100 and 1,000 checks, and adding and removing ten services on every host.
 */
export async function benchThroughput(world: World, { report }: { report: Report }): Promise<void> {
  const names = Array.from({ length: HOSTS }, (_, index) => `wide-${index + 1}`);
  const fleet = await world.startFleet(names);
  await world.api.post('/clusters', { name: CLUSTER, hosts: names });
  const echoes = await bareEchoes(world.dir);
  report(figureOf({ name: 'heartbeats echoed by bare gRPC over mTLS, 100 streams, 20 a frame', unit: '/s' }, echoes));
  const rates = await rawCommits(await world.databaseUrl(), { rounds: 5, commits: 20 });
  report(figureOf({ name: 'rows changed and logged by the database alone, 500 a commit', unit: '/s' }, rates));
  const jobs = { add: [] as Timed[], hundred: [] as Timed[], thousand: [] as Timed[], remove: [] as Timed[] };
  for (let round = 0; round < ROUNDS; round++) {
    jobs.add.push(await timed(world, fleet.pid, { command: 'add', services: SERVICES }));
    for (let n = 0; n < CHECKS; n++) {
      jobs.hundred.push(await timed(world, fleet.pid, { command: 'check', target: { service: 'part1' } }));
      jobs.thousand.push(await timed(world, fleet.pid, { command: 'check', target: {} }));
    }
    jobs.remove.push(await timed(world, fleet.pid, { command: 'remove', target: {}, data: 'keep' }));
  }
  for (const [kind, list] of Object.entries(jobs)) {
    const [{ tasks }] = list as [Timed];
    const name = `${words[kind as keyof typeof jobs]}, ${tasks.toLocaleString('en')} tasks`;
    const perSecond = list.map((job) => job.tasks / (job.endedMs / 1000));
    report(figureOf({ name: `${name}: tasks`, unit: '/s' }, perSecond));
    report(figureOf({ name: '  by rows of the database alone', unit: 'ratio' }, [median(perSecond) / median(rates)]));
    report(figureOf({ name: '  by echoes of bare gRPC', unit: 'ratio' }, [median(perSecond) / median(echoes)]));
    report(
      figureOf(
        { name: '  POST answered', unit: 'ms' },
        list.map((job) => job.answeredMs),
      ),
    );
    report(
      figureOf(
        { name: "  server's processor time per task", unit: 'ms' },
        list.map((job) => job.serverMs / tasks),
      ),
    );
    report(
      figureOf(
        { name: "  database's processor time per task", unit: 'ms' },
        list.map((job) => job.databaseMs / tasks),
      ),
    );
    report(
      figureOf(
        { name: "  simulated agents' processor time per task", unit: 'ms' },
        list.map((job) => job.fleetMs / tasks),
      ),
    );
  }
}

/** What gRPC alone takes and gives on as many streams as there are agents, a round each. */
async function bareEchoes(dir: string): Promise<readonly number[]> {
  const bare = await Bare.start(dir);
  try {
    const clients = await bare.connect({ clients: HOSTS, heartbeatMs: 5_000, batch: 20, rounds: 5 });
    return clients.ready.echoes;
  } finally {
    await bare.close();
  }
}

const words = { add: 'add', hundred: 'check', thousand: 'check', remove: 'remove' };

async function timed(world: World, fleet: number, command: unknown): Promise<Timed> {
  const { api } = world;
  const database = await familyOf(await world.postmasterPid());
  const usage = async () =>
    [await cpuMsOf(world.server.pid), await cpuMsOf(...database), await cpuMsOf(fleet)] as const;
  const before = await usage();
  const begin = performance.now();
  const { id } = await api.post<JobAnswer>(`/clusters/${CLUSTER}/commands`, command);
  const answeredMs = performance.now() - begin;
  const { counts } = await api.finished(id);
  const endedMs = performance.now() - begin;
  const after = await usage();
  const tasks = counts['SUCCESSFUL'] ?? 0;
  const [serverMs, databaseMs, fleetMs] = [after[0] - before[0], after[1] - before[1], after[2] - before[2]];
  return { tasks, answeredMs, endedMs, serverMs, databaseMs, fleetMs };
}
