import { afterEach, expect, test } from 'vitest';
import type { JobAnswer, TaskAnswer } from './api.ts';
import { until, World } from './world.ts';

/** Whole processes die in the middle of a job; every phase runs once all the same. */
let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

const slow = { 'mock.yaml': { installMs: 300, configureMs: 300, startMs: 1500, checkMs: 300, lines: 3 } };

async function startJob(from: World): Promise<JobAnswer> {
  await from.api.post('/clusters', { name: 'c', hosts: ['h1', 'h2'] });
  return from.api.post<JobAnswer>('/clusters/c/commands', {
    command: 'add',
    services: [{ service: 'mock', components: { worker: ['h1', 'h2'], follower: ['h1'] }, config: slow }],
  });
}

/** Whether a task is in this phase right now. Fails at once, with the story, when the job has ended before. */
async function runs(from: World, jobId: string, phase: string): Promise<boolean> {
  const tasks = await from.api.tasks(jobId);
  if (tasks.every(({ state }) => state !== 'PENDING' && state !== 'RUNNING'))
    throw new Error(`The job ended before ${phase} was seen.\n${await from.api.story(jobId)}`);
  return tasks.some((task) => task.phase === phase && task.state === 'RUNNING');
}

/** Each phase says what it did; an attempt that ran twice would have said it twice. */
async function expectOnce(from: World, tasks: readonly TaskAnswer[]): Promise<void> {
  for (const task of tasks) {
    expect(task).toMatchObject({ state: 'SUCCESSFUL', attempts: 1 });
    const log = await from.api.log(task.id);
    const said = log.split('\n').filter((line) => line.includes(`${task.phase} 1 of 3 on ${task.host}`));
    expect(said, `${task.phase} of ${task.component} on ${task.host}:\n${log}`).toHaveLength(1);
  }
}

test('a server killed in the middle of a job goes on where it was, and no phase runs twice', async () => {
  world = await World.start({ stacks: ['examples/mock-stack'], hosts: ['h1', 'h2'] });
  const { id } = await startJob(world);
  for (const phase of ['install', 'start', 'check']) {
    await until(`a task runs ${phase}`, () => runs(world as World, id, phase));
    await world.killServer();
    await world.startServer();
  }
  expect((await world.api.wait(id)).state).toBe('SUCCESSFUL');
  await expectOnce(world, await world.api.tasks(id));
});

test('an agent killed in the middle of a phase reports its result after its restart, and no phase runs twice', async () => {
  world = await World.start({ stacks: ['examples/mock-stack'], hosts: ['h1', 'h2'] });
  const { id } = await startJob(world);
  for (const phase of ['configure', 'start']) {
    await until(`a task runs ${phase}`, () => runs(world as World, id, phase));
    await world.killAgent('h1');
    await world.startAgent('h1');
  }
  expect((await world.api.wait(id)).state).toBe('SUCCESSFUL');
  await expectOnce(world, await world.api.tasks(id));
});

test('jobs of one cluster run one after the other, those of another beside them', async () => {
  world = await World.start({ stacks: ['examples/mock-stack'], hosts: ['h1', 'h2'] });
  const { api } = world;
  for (const [cluster, host] of Object.entries({ a: 'h1', b: 'h2' })) {
    await api.post('/clusters', { name: cluster, hosts: [host] });
    expect(
      (
        await api.run(cluster, {
          command: 'add',
          services: [
            {
              service: 'mock',
              components: { worker: [host], follower: [] },
              config: { 'mock.yaml': { checkMs: 1000 } },
            },
          ],
        })
      ).state,
    ).toBe('SUCCESSFUL');
  }
  const check = { command: 'check', target: {} };
  const first = await api.post<JobAnswer>('/clusters/a/commands', check);
  const second = await api.post<JobAnswer>('/clusters/a/commands', check);
  const beside = await api.post<JobAnswer>('/clusters/b/commands', check);
  const ended = await Promise.all([first, second, beside].map(({ id }) => api.wait(id)));
  const times = (
    await Promise.all(ended.map(({ id }) => api.get<{ startedAt: string; finishedAt: string }>(`/jobs/${id}`)))
  ).map(({ startedAt, finishedAt }) => ({ from: Date.parse(startedAt), to: Date.parse(finishedAt) }));
  expect(times[1]?.from).toBeGreaterThanOrEqual(times[0]?.to ?? Number.NaN);
  expect(times[2]?.from).toBeLessThan(times[0]?.to ?? Number.NaN);
});

test('a cancelled job ends its running task and never starts the others', async () => {
  world = await World.start({ stacks: ['examples/mock-stack'], hosts: ['h1', 'h2'] });
  const { id } = await startJob(world);
  await until('a task runs start', () => runs(world as World, id, 'start'));
  await world.api.post(`/jobs/${id}/cancel`);
  expect((await world.api.wait(id)).state).toBe('CANCELED');
  const tasks = await world.api.tasks(id);
  expect(
    tasks
      .filter(({ phase }) => phase === 'check')
      .every(({ state, reason }) => state === 'CANCELED' && reason === 'USER_CANCEL'),
  ).toBe(true);
});
