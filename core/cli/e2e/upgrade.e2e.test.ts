import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type JobAnswer, ProblemAnswer, type TaskAnswer } from './api.ts';
import { until, World } from './world.ts';

const FIXTURES = 'core/cli/e2e/fixtures';
let world: World;
beforeAll(async () => {
  world = await World.start({
    stacks: [`${FIXTURES}/relay-1`, `${FIXTURES}/relay-2`],
    hosts: ['h1', 'h2', 'h3', 'o1'],
  });
  await world.api.post('/clusters', { name: 'first', hosts: ['h1', 'h2', 'h3'] });
  await world.api.post('/clusters', { name: 'second', hosts: ['o1'] });
});
afterAll(async () => {
  await world?.close();
});

interface Member {
  readonly host: string;
  readonly observed: string;
  readonly stackVersion: string;
  readonly version: string;
  readonly behind: boolean;
  readonly pid: number | null;
}

async function membersOf(cluster: string): Promise<Member[]> {
  const { items } = await world.api.get<{ items: Member[] }>(`/clusters/${cluster}/components`);
  return items.toSorted((a, b) => a.host.localeCompare(b.host));
}

/** Waits until each host runs this version of the stack, by the process that the machine says it is. */
async function untilVersions(cluster: string, expected: readonly string[]): Promise<void> {
  let found: string[] = [];
  await until(`${cluster} runs ${expected.join(', ')}`, async () => {
    found = await Promise.all(
      (await membersOf(cluster)).map(async ({ host, stackVersion, behind, pid }) => {
        const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
        return `${host} ${stackVersion}${behind ? ' behind' : ''} ${line.split('\0')[1] ?? '-'}`;
      }),
    );
    return JSON.stringify(found) === JSON.stringify(expected);
  }).catch((error: unknown) => {
    throw new Error(`It is ${found.join(', ')}.`, { cause: error });
  });
}

async function ended(job: JobAnswer): Promise<JobAnswer> {
  const path = `/jobs/${job.id}?wait=30s`;
  let now = await world.api.get<JobAnswer>(path);
  while (now.state === 'PENDING' || now.state === 'RUNNING') now = await world.api.get<JobAnswer>(path);
  return now;
}

async function run(cluster: string, command: object): Promise<JobAnswer> {
  return ended(await world.api.post<JobAnswer>(`/clusters/${cluster}/commands`, command));
}

test('two versions of a stack run side by side, and one that is in use is not removed', async () => {
  const config = { 'relay.properties': { refuse: ['h2'], retired: 'mine' } };
  const first = await world.api.post<JobAnswer>('/clusters/first/commands', {
    command: 'add',
    services: [{ service: 'relay', version: '1.0.0', config, components: { member: ['h1', 'h2', 'h3'] } }],
  });
  const second = await run('second', { command: 'add', services: [{ service: 'relay', version: '2.0.0' }] });
  expect(second.state).toBe('SUCCESSFUL');
  expect((await ended(first)).state).toBe('SUCCESSFUL');
  await untilVersions('first', ['h1 1.0.0 100001', 'h2 1.0.0 100001', 'h3 1.0.0 100001']);
  await untilVersions('second', ['o1 2.0.0 200002']);
  const { items } = await world.api.get<{ items: { id: string; version: string }[] }>('/stacks');
  const refusal = await world.api.delete(`/stacks/${items.find(({ version }) => version === '1.0.0')!.id}`).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(refusal).toBeInstanceOf(ProblemAnswer);
  expect((refusal as ProblemAnswer).problem).toMatchObject({
    code: 'STACK_IN_USE',
    detail: '@stack/relay 1.0.0 is in use: relay of cluster first. Upgrade or remove it first.',
  });
});

test('an upgrade is shown before it happens: versions, properties, files and batches', async () => {
  const { plan } = await world.api.post<{ plan: Record<string, never> }>('/clusters/first/plans', {
    command: 'upgrade',
    service: 'relay',
    version: '2.0.0',
    rolling: { batch: 1, pauseAfterFirst: true },
  });
  expect(plan).toMatchObject({
    title: 'Upgrade relay to 2.0.0 on 3 hosts',
    upgrade: {
      back: false,
      from: { version: '1.0.0', product: '1.4.0' },
      to: { version: '2.0.0', product: '2.0.0' },
      properties: [
        { property: 'added', change: 'new', after: 7 },
        { property: 'retired', change: 'gone', before: 'mine' },
      ],
    },
    turns: { batches: [{ hosts: ['h1'], pauses: true }, { hosts: ['h2'] }, { hosts: ['h3'] }] },
  });
  const [file] = plan['files'] as unknown as { diff: string }[];
  expect(file?.diff).toContain('-retired=mine');
  expect(file?.diff).toContain('+added=7');
});

test('turns pause after the first; one that fails leaves a mixed state that is told, goes on by retry and back by an upgrade', async () => {
  const job = await world.api.post<JobAnswer>('/clusters/first/commands', {
    command: 'upgrade',
    service: 'relay',
    version: '2.0.0',
    rolling: { pauseAfterFirst: true },
  });
  await until('the job waits after its first batch', async () => {
    const now = await world.api.get<JobAnswer & { paused: boolean }>(`/jobs/${job.id}`);
    return now.paused;
  });
  await untilVersions('first', ['h1 2.0.0 200002', 'h2 1.0.0 behind 100001', 'h3 1.0.0 behind 100001']);
  await world.api.post(`/jobs/${job.id}/resume`);
  expect((await ended(job)).state).toBe('FAILED');
  const { items: tasks } = await world.api.get<{ items: TaskAnswer[] }>(`/jobs/${job.id}/tasks?state=FAILED`);
  expect(tasks.map(({ host, phase }) => `${phase} ${host}`)).toEqual(['check h2']);

  // A retry goes on forwards: it fails again where it failed, and only there.
  expect((await ended(await world.api.post<JobAnswer>(`/jobs/${job.id}/retry`))).state).toBe('FAILED');
  expect((await membersOf('first')).map(({ version }) => version)).toEqual(['2.0.0', '2.0.0', '1.4.0']);

  // What is left behind can be restarted meanwhile, by its own version.
  const restart = await run('first', { command: 'restart', target: { service: 'relay', hosts: ['h3'] } });
  expect(restart.state).toBe('SUCCESSFUL');
  await untilVersions('first', ['h1 2.0.0 200002', 'h2 2.0.0 200002', 'h3 1.0.0 behind 100001']);

  const back = await run('first', { command: 'upgrade', service: 'relay', version: '1.0.0' });
  expect(back).toMatchObject({ state: 'SUCCESSFUL', title: 'Take relay back to 1.4.0 on 2 hosts' });
  await untilVersions('first', ['h1 1.0.0 100001', 'h2 1.0.0 100001', 'h3 1.0.0 100001']);
  const { values } = await world.api.get<{ values: object }>('/clusters/first/services/relay/config');
  expect(values).toEqual({ 'relay.properties': { refuse: ['h2'], retired: 'mine' } });
});
