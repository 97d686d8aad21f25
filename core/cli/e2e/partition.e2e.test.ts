import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JobAnswer, TaskAnswer } from './api.ts';
import { readLedger, StartsOfSpool } from './faults/ledger.ts';
import { type Fault, FAULTS, noNetworkBecause, TestNetwork } from './faults/network.ts';
import { signal, until, World } from './world.ts';

/** A cut that the network makes, or a host whose agent stands still. */
type Cut = Fault | 'agent stopped';
const CUTS: readonly Cut[] = [...FAULTS, 'agent stopped'];

const LEASE_MS = 8_000;
/** Long enough for an agent to come back after a long cut: its back-off grows to 10 s. */
const LOST_AFTER_MS = 30_000;
const SHORT_MS = 2_000;
const LONG_MS = LEASE_MS + 3_000;
const LOST_MS = LOST_AFTER_MS + 4_000;
/** A check outlasts a short cut, and ends in the middle of a long one. */
const CHECK_MS = 5_000;
const START_MS = 3_000;
/** Back-off of the agent, and what a busy machine adds. */
const BACK_WITHIN_MS = 60_000;

const missing = noNetworkBecause();
let network: TestNetwork | undefined;
let world: World;

describe.skipIf(missing !== undefined && process.env['CI'] !== 'true')(
  `a network that fails (${missing ?? 'real'})`,
  () => {
    beforeAll(async () => {
      const names = CUTS.map(hostOf);
      network = await TestNetwork.make(names);
      world = await World.start({
        stacks: ['core/cli/e2e/fixtures/ledger'],
        hosts: names,
        network,
        env: {
          STACKYARD_SERVER_LIVENESS_HEARTBEAT_MS: '800',
          STACKYARD_SERVER_LIVENESS_LEASE_MS: String(LEASE_MS),
          STACKYARD_SERVER_LIVENESS_LOST_AFTER_MS: String(LOST_AFTER_MS),
        },
      });
      await Promise.all(names.map(makeCluster));
    });
    afterAll(async () => {
      if (world) for (const { agent } of world.hosts.values()) if (agent?.pid) signal(agent.pid, 'SIGCONT');
      if (world?.server?.pid) signal(world.server.pid, 'SIGCONT');
      await world?.close();
      await network?.remove();
    });

    test('shorter than the lease: nobody is declared out of reach, and the result arrives', async () => {
      const seen = await Promise.all(CUTS.map((cut) => runWhileCut(cut, { command: 'check', cutMs: SHORT_MS })));
      expect(seen).toEqual(
        CUTS.map((cut) => ({
          cut,
          unreachable: false,
          stale: false,
          job: 'SUCCESSFUL',
          effects: ['1 begin', '1 end'],
        })),
      );
    });

    test('longer than the lease: the host is out of reach and its task stale; it comes back, and the result arrives', async () => {
      const seen = await Promise.all(CUTS.map((cut) => runWhileCut(cut, { command: 'check', cutMs: LONG_MS })));
      expect(seen).toEqual(
        CUTS.map((cut) => ({ cut, unreachable: true, stale: true, job: 'SUCCESSFUL', effects: ['1 begin', '1 end'] })),
      );
      for (const cut of CUTS) await untilReachable(cut);
    });

    test('longer than lostAfter: LOST, dependants are not started, and a late result is kept but changes nothing', async () => {
      const cuts: readonly Cut[] = ['link down', 'nothing reaches the server', 'agent stopped'];
      const seen = await Promise.all(cuts.map((cut) => runWhileCut(cut, { command: 'restart', cutMs: LOST_MS })));
      expect(seen).toEqual(
        cuts.map((cut) => ({ cut, unreachable: true, stale: true, job: 'FAILED', effects: ['1 begin', '1 end'] })),
      );
      for (const cut of cuts) {
        await untilReachable(cut);
        const { jobId, start, dependants } = await lastRestart(cut);
        await until(`the late result of ${cut} is kept`, async () => (await firstAttempt(start.id)).late !== null);
        expect(await firstAttempt(start.id)).toMatchObject({ state: 'FAILED', reason: 'LOST', late: { exitCode: 0 } });
        expect(dependants.map(({ state, reason }) => `${state} ${reason}`)).toEqual(
          dependants.map(() => 'CANCELED DEPENDENCY_FAILED'),
        );
        for (const { id } of dependants) expect(await effectsOf(hostOf(cut), id)).toEqual([]);
        expect((await world.api.get<TaskAnswer>(`/tasks/${start.id}`)).state).toBe('FAILED');
        await world.api.post(`/jobs/${jobId}/retry`);
      }
      for (const cut of cuts) expect((await world.api.wait((await lastRestart(cut)).jobId)).state).toBe('SUCCESSFUL');
    });

    test('without a lease nothing is started: what was sent before waits for the server to be heard again', async () => {
      const host = hostOf('agent stopped');
      const { id } = await pauseAgent(host, async () => {
        const job = await world.api.post<JobAnswer>(`/clusters/${host}/commands`, check);
        await until('the task is sent', async () => (await world.api.tasks(job.id))[0]?.state === 'RUNNING');
        await delay(LEASE_MS);
        await network?.cut(host, 'nothing reaches the server');
        return job;
      });
      const [task] = await world.api.tasks(id);
      const spool = new StartsOfSpool(host, world.host(host).root);
      await until(
        'the agent has taken the command',
        async () => (await spool.read(), spool.entries.has(`${task?.id}/1`)),
      );
      // Far more time than a start takes.
      await delay(1_000);
      expect(await effectsOf(host, task?.id ?? '')).toEqual([]);
      await network?.heal(host, 'nothing reaches the server');
      expect((await world.api.wait(id)).state).toBe('SUCCESSFUL');
      expect(await effectsOf(host, task?.id ?? '')).toEqual(['1 begin', '1 end']);
    });

    test.each([
      ['shorter than the lease', SHORT_MS],
      ['longer than lostAfter', LOST_MS],
    ])('a server that stood still for %s blames nobody for it', async (_, standsMs) => {
      const jobs = await Promise.all(
        CUTS.map((cut) => world.api.post<JobAnswer>(`/clusters/${hostOf(cut)}/commands`, check)),
      );
      for (const [index, cut] of CUTS.entries()) await untilBegun(hostOf(cut), jobs[index]?.id ?? '');
      signal(world.serverPid, 'SIGSTOP');
      await delay(standsMs);
      signal(world.serverPid, 'SIGCONT');
      for (const [index, cut] of CUTS.entries()) {
        const { id, state } = await world.api.wait(jobs[index]?.id ?? '');
        if (state !== 'SUCCESSFUL') throw new Error(await world.api.story(id));
        const [task] = await world.api.tasks(id);
        expect(await effectsOf(hostOf(cut), task?.id ?? '')).toEqual(['1 begin', '1 end']);
      }
    });
  },
);

const check = { command: 'check', target: { service: 'ledger', component: 'step' } };
const restart = { command: 'restart', target: { service: 'ledger' } };

function hostOf(cut: Cut): string {
  return `h${CUTS.indexOf(cut) + 1}`;
}

/** A cluster of its own for every host, so that their jobs do not wait for one another. */
async function makeCluster(name: string): Promise<void> {
  await world.api.post('/clusters', { name, hosts: [name] });
  const config = { 'ledger.yaml': { random: false, startMs: START_MS, checkMs: CHECK_MS } };
  const { id, state } = await world.api.run(name, {
    command: 'add',
    services: [{ service: 'ledger', components: { step: [name], follower: [name] }, config }],
  });
  if (state !== 'SUCCESSFUL') throw new Error(await world.api.story(id));
}

interface Seen {
  readonly cut: Cut;
  /** Whether the host was ever shown as out of reach, and its task as stale, during the cut. */
  readonly unreachable: boolean;
  readonly stale: boolean;
  readonly job: string;
  /** What the script did that ran when the cut was made, as `attempt effect`. */
  readonly effects: readonly string[];
}

/** Cuts a host off while a script runs on it, and waits for the end of the job after it was healed. */
async function runWhileCut(
  cut: Cut,
  { command, cutMs }: { readonly command: 'check' | 'restart'; readonly cutMs: number },
): Promise<Seen> {
  const host = hostOf(cut);
  const { id } = await world.api.post<JobAnswer>(`/clusters/${host}/commands`, command === 'check' ? check : restart);
  const task = await untilBegun(host, id, command === 'check' ? 'check' : 'start');
  await make(cut);
  let seen;
  try {
    seen = await look(cut, task, cutMs);
  } finally {
    await heal(cut);
  }
  const { state: job } = await world.api.wait(id);
  return { cut, ...seen, job, effects: await effectsOf(host, task) };
}

async function make(cut: Cut): Promise<void> {
  if (cut === 'agent stopped') signal(world.host(hostOf(cut)).agent?.pid ?? 0, 'SIGSTOP');
  else await network?.cut(hostOf(cut), cut);
}

async function heal(cut: Cut): Promise<void> {
  if (cut === 'agent stopped') signal(world.host(hostOf(cut)).agent?.pid ?? 0, 'SIGCONT');
  else await network?.heal(hostOf(cut), cut);
}

async function pauseAgent<T>(host: string, meanwhile: () => Promise<T>): Promise<T> {
  const pid = world.host(host).agent?.pid ?? 0;
  signal(pid, 'SIGSTOP');
  try {
    return await meanwhile();
  } finally {
    signal(pid, 'SIGCONT');
  }
}

/** What users see of a host and its task for so long. */
async function look(cut: Cut, taskId: string, forMs: number): Promise<Pick<Seen, 'unreachable' | 'stale'>> {
  let [unreachable, stale] = [false, false];
  for (const end = performance.now() + forMs; performance.now() < end; await delay(200)) {
    const host = await world.api.get<{ reachable: boolean }>(`/hosts/${hostOf(cut)}`);
    const task = await world.api.get<{ state: string; stale: boolean }>(`/tasks/${taskId}`);
    unreachable ||= !host.reachable;
    // A result needs one way only: where that is open, the task may have ended before its host was missed.
    stale ||= task.stale || (unreachable && cut === 'nothing reaches the host' && task.state === 'SUCCESSFUL');
  }
  return { unreachable, stale };
}

/** The task of a job in this phase, once its script has begun. */
async function untilBegun(host: string, jobId: string, phase = 'check'): Promise<string> {
  let id = '';
  await until(`${phase} has begun on ${host}`, async () => {
    const tasks = await world.api.tasks(jobId);
    id = tasks.find((task) => task.phase === phase && task.component === 'step')?.id ?? '';
    return (await effectsOf(host, id)).length > 0;
  });
  return id;
}

async function untilReachable(cut: Cut): Promise<void> {
  const path = `/hosts/${hostOf(cut)}`;
  await until(
    `the host comes back after "${cut}"`,
    async () => (await world.api.get<{ reachable: boolean }>(path)).reachable,
    BACK_WITHIN_MS,
  );
}

/** Lines of the ledger, each with the number of the attempt that wrote it. */
async function effectsOf(host: string, taskId: string): Promise<string[]> {
  const { root } = world.host(host);
  const spool = new StartsOfSpool(host, root);
  await spool.read();
  const attempts = new Map(spool.starts.map(({ cookie, attempt }) => [cookie, attempt]));
  return (await readLedger(host, root)).flatMap(({ cookie, what }) => {
    const [task, number] = attempts.get(cookie)?.split('/') ?? [];
    return task === taskId ? [`${number} ${what}`] : [];
  });
}

async function lastRestart(cut: Cut) {
  const path = `/jobs?cluster=${hostOf(cut)}&limit=1`;
  const [job] = (await world.api.get<{ items: JobAnswer[] }>(path)).items;
  const jobId = job?.id ?? '';
  const tasks = await world.api.tasks(jobId);
  const start = tasks.find(({ component, phase }) => component === 'step' && phase === 'start');
  if (!start) throw new Error(`The last job on ${hostOf(cut)} starts nothing.`);
  return { jobId, start, dependants: tasks.filter(({ index, phase }) => index > start.index && phase !== 'stop') };
}

interface AttemptAnswer {
  readonly state: string;
  readonly reason: string | null;
  readonly late: { readonly exitCode: number | null } | null;
}

async function firstAttempt(taskId: string): Promise<AttemptAnswer> {
  const { items } = await world.api.get<{ items: AttemptAnswer[] }>(`/tasks/${taskId}/attempts`);
  const [first] = items;
  if (!first) throw new Error(`Task ${taskId} has no attempt.`);
  return first;
}
