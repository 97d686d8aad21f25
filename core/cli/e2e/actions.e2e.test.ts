import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProblemAnswer } from './api.ts';
import { until, World } from './world.ts';

/** What a stack offers besides the life of its components, asked by operators of real agents. */
let world: World;
const cli = fileURLToPath(new URL('../bin/stackyard.mjs', import.meta.url));

beforeAll(async () => {
  world = await World.start({ stacks: ['core/cli/e2e/fixtures/store'], hosts: ['h1', 'h2', 'h3'] });
  await world.api.post('/clusters', { name: 'c', hosts: ['h1', 'h2', 'h3'] });
  const services = [{ service: 'store', components: { index: ['h1'], shelf: ['h1', 'h2', 'h3'] } }];
  const { id, state } = await world.api.run('c', { command: 'add', services });
  if (state !== 'SUCCESSFUL') throw new Error(await world.api.story(id));
});
afterAll(async () => {
  await world?.close();
});

function operator(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = {
    ...process.env,
    STACKYARD_URL: world.api.url,
    STACKYARD_TOKEN: world.api.token,
    XDG_CONFIG_HOME: join(world.dir, 'config'),
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, ...args], { env, cwd: world.dir }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });
}

test('an action is found, run with input, and its result is read', async () => {
  const list = await operator('action', 'list', 'store');
  expect(list.out).toMatch(/index\s+greet\s+one host\s+name \[times\]\s+Says hello so many times/);
  expect((await operator('action', 'show', 'store/index', 'greet')).out).toContain('Who is greeted (text, needed)');
  const run = await operator(
    'action',
    'run',
    'store',
    'greet',
    '--input',
    'name=world',
    '--input',
    'times=3',
    '-o',
    'json',
  );
  expect(run.err).toContain('done');
  expect(JSON.parse(run.out)).toEqual([
    { host: 'h1', result: { said: ['Hello world', 'Hello world', 'Hello world'], on: 'h1' }, note: null },
  ]);
  const wrong = await operator('action', 'run', 'store', 'greet', '--input', 'name=world', '--input', 'times=9');
  expect(wrong.code).not.toBe(0);
  expect(wrong.err).toContain('times of greet is 9; it must be at least 1 and at most 5');
});

test('what may lose something runs only when that was agreed to', async () => {
  const wiped = join(world.host('h1').root, 'wiped');
  const command = { command: 'action', target: { service: 'store', component: 'index' }, action: 'wipe' };
  const refused = await world.api.post('/clusters/c/commands', command).catch((error: unknown) => error);
  expect((refused as ProblemAnswer).status).toBe(422);
  expect((refused as ProblemAnswer).problem.errors?.[0]).toMatchObject({ pointer: '/agree' });
  const asked = await operator('action', 'run', 'store', 'wipe');
  expect(asked.code).toBe(2);
  expect(asked.err).toContain('The index is empty afterwards');
  expect(existsSync(wiped)).toBe(false);
  const agreed = await operator('action', 'run', 'store', 'wipe', '--yes');
  expect(agreed.code).toBe(0);
  expect(await readFile(wiped, 'utf8')).toBe('yes\n');
});

test('a component is emptied before it goes: who leaves is in the files, the drain is waited for, then it is removed', async () => {
  const index = world.host('h1').root;
  const { pid } = (await world.api.components('c', '&component=index'))[0]!;
  const draining = operator('component', 'decommission', 'store/shelf', '--host', 'h3', '--yes');
  const leaving = async () => {
    const [item] = await world.api.components('c', '&component=shelf&host=h3');
    return (item as unknown as { leaving: string | null } | undefined)?.leaving;
  };
  await until('h3 is leaving', async () => (await leaving()) === 'DRAINING');
  const config = join(index, 'etc/stackyard/store/index/members.properties');
  await until('the index knows who leaves', async () =>
    (await readFile(config, 'utf8').catch(() => '')).includes('leaving=h3'),
  );
  const [job] = (await world.api.get<{ items: { id: string; state: string }[] }>('/jobs?limit=1')).items;
  await until('the drain runs', async () =>
    (await world.api.tasks(job!.id)).some(({ phase, state }) => phase === 'decommission' && state === 'RUNNING'),
  );
  await writeFile(join(index, 'emptied'), '');
  const { code, err } = await draining;
  expect(`${code} ${err}`).toMatch(/^0 /);
  expect(await leaving()).toBe('DRAINED');
  expect((await world.api.tasks(job!.id)).map(({ phase }) => phase)).toEqual(['configure', 'reload', 'decommission']);
  expect((await world.api.components('c', '&component=index'))[0]?.pid).toBe(pid);

  const last = await operator('component', 'decommission', 'store/shelf', '--host', 'h2', '--yes');
  expect(last.err).toContain('Shelf needs at least 2, and 1 would stay.');
  expect((await operator('component', 'list', 'shelf')).out).toMatch(/h3.*RUNNING, decommissioned/);

  expect((await operator('component', 'recommission', 'store/shelf', '--host', 'h3', '--yes')).code).toBe(0);
  expect(await leaving()).toBeNull();
  expect(await readFile(config, 'utf8')).toContain('leaving=\n');
  const early = await operator('service', 'remove', 'store', '--component', 'shelf', '--host', 'h3');
  expect(early.err).toContain('Shelf on h3 was not decommissioned');
});
