import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { componentsBelow, killManaged } from './leftBehind.ts';

let dir: string;
let other: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-left-'));
  other = await mkdtemp(join(tmpdir(), 'stackyard-other-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await Promise.all([dir, other].map((each) => rm(each, { recursive: true, force: true })));
});

async function sleeper(cwd: string, env: Record<string, string>): Promise<ChildProcess> {
  // With a path below the folder, as all that an agent starts has.
  const child = spawn('/bin/sleep', ['300'], { cwd, env: { ...env, HOME: `${cwd}/` }, stdio: 'ignore' });
  children.push(child);
  await once(child, 'spawn');
  return child;
}

test('an end in a hurry kills components and scripts of tasks below the folder, and nothing else', async () => {
  const component = await sleeper(dir, { STACKYARD_COMPONENT: 'c1' });
  const script = await sleeper(dir, { STACKYARD_ATTEMPT: 't1' });
  const unmarked = await sleeper(dir, {});
  const elsewhere = await sleeper(other, { STACKYARD_ATTEMPT: 't2' });
  const ended = Promise.all([once(component, 'exit'), once(script, 'exit')]);
  expect(componentsBelow(dir)).toEqual([component.pid]);
  await killManaged(dir);
  await ended;
  expect([component, script, unmarked, elsewhere].map(({ signalCode }) => signalCode)).toEqual([
    'SIGKILL',
    'SIGKILL',
    null,
    null,
  ]);
});
