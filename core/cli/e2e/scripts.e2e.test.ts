import { readdirSync, readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { JobAnswer, TaskAnswer } from './api.ts';
import { signal, until, World } from './world.ts';

/** Scripts that hang, flee, fork and flood: their tasks end and say why, and nothing of them is left on the host. */
let world: World;
/** How long everything sleeps that a script of this run leaves behind. */
const mark = String(1_000_000 + (process.pid % 100_000) * 10 + Math.floor(Math.random() * 10));
const ways = ['hang', 'deaf', 'orphan', 'escapee', 'stopped', 'bomb', 'flood', 'daemon'];

beforeEach(async () => {
  world = await World.start({ stacks: ['core/cli/e2e/fixtures/misbehaving'], hosts: ['h1'] });
  await world.api.post('/clusters', { name: 'c', hosts: ['h1'] });
  const services = [{ service: 'bystander', components: { sleeper: ['h1'] } }];
  const { id, state } = await world.api.run('c', { command: 'add', services });
  if (state !== 'SUCCESSFUL') throw new Error(await world.api.story(id));
});
afterEach(async () => {
  for (const pid of leftovers()) signal(pid, 'SIGKILL');
  await world.close();
});

/** Processes of this run's scripts: all they leave behind sleeps for the marked time. */
function leftovers(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(mark);
      } catch {
        return false;
      }
    });
}

/** Adds the service whose scripts go wrong in this phase, in these ways. */
async function start(during: 'prepare' | 'check', chosen: readonly string[]): Promise<JobAnswer> {
  const components = Object.fromEntries(ways.map((way) => [way, chosen.includes(way) ? ['h1'] : []]));
  const config = { 'misbehaving.yaml': { mark: Number(mark), during } };
  const services = [{ service: 'misbehaving', components, config }];
  return world.api.post<JobAnswer>('/clusters/c/commands', { command: 'add', services });
}

/** The tasks of one phase by component, with what their latest attempts say. */
async function tasksOf(jobId: string, phase: string): Promise<Map<string, TaskAnswer & { message: string }>> {
  const tasks = (await world.api.tasks(jobId)).filter((task) => task.phase === phase);
  const found = tasks.map(async (task) => {
    const { items } = await world.api.get<{ items: { message: string | null }[] }>(`/tasks/${task.id}/attempts`);
    return [task.component, { ...task, message: items.at(-1)?.message ?? '' }] as const;
  });
  return new Map(await Promise.all(found));
}

async function sleeperPid(): Promise<number | null | undefined> {
  const components = await world.api.components('c');
  return components.find(({ component }) => component === 'sleeper')?.pid;
}

/** Blocks on the disk of all logs of attempts, in bytes. */
async function logBlocks(): Promise<number> {
  const spool = join(world.host('h1').root, 'var/lib/stackyard/agent/spool');
  const sizes = (await readdir(spool)).map((name) =>
    stat(join(spool, name, 'output.log')).then(
      ({ blocks }) => blocks * 512,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

test('a script that runs out of time is ended whatever it does, one that floods or leaves a daemon ends by itself', async () => {
  const sleeper = await sleeperPid();
  const { id } = await start('check', ways);
  const job = await world.api.wait(id);
  expect(job.state).toBe('FAILED');
  const tasks = await tasksOf(id, 'check');
  for (const way of ['hang', 'deaf', 'orphan', 'escapee', 'stopped']) {
    expect(tasks.get(way)).toMatchObject({
      component: way,
      state: 'FAILED',
      reason: 'TIMEOUT',
      message: expect.stringMatching(/ran longer than its time limit/),
    });
  }
  expect(tasks.get('bomb')).toMatchObject({ state: 'FAILED', reason: expect.stringMatching(/EXIT_NONZERO|TIMEOUT/) });
  expect(tasks.get('flood')).toMatchObject({ state: 'SUCCESSFUL' });
  expect(tasks.get('daemon')).toMatchObject({ state: 'SUCCESSFUL' });
  expect(await world.api.log(tasks.get('daemon')!.id)).toMatch(/left a daemon\n\[Something that .* still holds/);
  expect(leftovers()).toHaveLength(1); // the daemon, on purpose

  const flood = await world.api.log(tasks.get('flood')!.id);
  const [, dropped] = /\n\[(\d+) bytes are missing here: the first 16 MiB and the last 48 MiB/.exec(flood) ?? [];
  expect(Number(dropped)).toBeGreaterThan(1_000_000_000 - 64 * 2 ** 20);
  expect(flood.length).toBeGreaterThan(64 * 2 ** 20);
  expect(flood.length).toBeLessThan(64 * 2 ** 20 + 1024);
  expect([flood.includes('the beginning\n'), flood.includes('the end\n')]).toEqual([true, true]);
  expect(await logBlocks()).toBeLessThan(192 * 2 ** 20);
  expect(await sleeperPid()).toBe(sleeper);
});

test('a cancel ends every script, also when the agent is killed in the middle of it', async () => {
  const sleeper = await sleeperPid();
  const hanging = ['hang', 'deaf', 'orphan', 'escapee', 'stopped', 'flood'];
  const { id } = await start('prepare', hanging);
  // Whatever hangs in one way or another hangs now.
  await until('the scripts are up to something', async () => leftovers().length > 5);
  await world.api.post(`/jobs/${id}/cancel`);
  await world.killAgent('h1');
  await world.startAgent('h1');
  expect((await world.api.wait(id)).state).toBe('CANCELED');
  const tasks = await tasksOf(id, 'prepare');
  for (const way of hanging) {
    const message = expect.stringMatching(/canceled and ended/);
    expect(tasks.get(way)).toMatchObject({ component: way, reason: 'USER_CANCEL', message });
  }
  expect(leftovers()).toEqual([]);
  expect(await sleeperPid()).toBe(sleeper);
});
