import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endProcesses } from '../processes/kill.ts';
import { temporaryDirectory, until } from '../processes/testing.ts';
import type { PhaseContext } from './context.ts';
import { runProgram } from './programs.ts';

let root: ReturnType<typeof temporaryDirectory>;
let said: string[];
let abort: AbortController;
const cookie = { name: 'STACKYARD_ATTEMPT', value: randomUUID() } as const;
beforeEach(() => {
  root = temporaryDirectory('programs');
  said = [];
  abort = new AbortController();
  process.env[cookie.name] = cookie.value;
});
afterEach(async () => {
  delete process.env[cookie.name];
  await endProcesses({ cookie, graceMs: 0 });
  root.remove();
});

function context(more: Partial<PhaseContext> = {}): PhaseContext {
  return {
    inputs: { self: { root: root.path, host: 'h1' } },
    service: { packages: [], requires: {} },
    order: { packages: {} },
    secrets: [],
    signal: abort.signal,
    log: (line: string) => said.push(line),
    ...more,
  } as unknown as PhaseContext;
}
const shell = (script: string, more: Partial<PhaseContext> = {}) =>
  runProgram(context(more), '/bin/sh', ['-c', script]);

test('output is in the log line by line and in the answer whole, and an end without a line break is no loss', async () => {
  const { stdout, stderr } = await shell('printf "one\\ntwo\\nthr"; printf "ee"; echo oops >&2');
  expect([stdout, stderr]).toEqual(['one\ntwo\nthree', 'oops\n']);
  expect(said.join('\n').split('\n').toSorted()).toEqual(['one', 'oops', 'three', 'two']);
});

test('a program that leaves a daemon with its output behind has ended when it has, and the log says so', async () => {
  const { stdout } = await shell('echo done; setsid sleep 300 &');
  expect(stdout).toBe('done\n');
  expect(said).toEqual(['done', expect.stringMatching(/left running still holds its output/)]);
});

test('a program that fails beside such a daemon fails with its own words', async () => {
  await expect(shell('echo No such volume; sleep 300 & exit 3')).rejects.toThrow(/exited with 3\.\nNo such volume/);
});

test('a daemon that prints on and on keeps nobody waiting', async () => {
  const endless = 'while :; do echo noise; sleep 0.02; done';
  await shell(`(trap "" PIPE; ${endless}) & echo done`);
  expect(said.at(-1)).toMatch(/still holds its output/);
});

test('of much output all is in the log and the newest part in the answer', async () => {
  const { stdout } = await shell('seq 1 400000');
  expect(said.join('\n')).toBe(Array.from({ length: 400_000 }, (_, index) => index + 1).join('\n'));
  expect(stdout.length).toBe(2 ** 20);
  expect(stdout.endsWith('399999\n400000\n')).toBe(true);
});

test('a line without end is cut in the log and fills no memory', async () => {
  await shell('head -c 5000000 /dev/zero | tr "\\0" x');
  expect(said.map((each) => each.length).every((length) => length <= 1.1 * 2 ** 20)).toBe(true);
  expect(said.join('').length).toBe(5_000_000);
});

test('what is aborted gets SIGTERM', async () => {
  const running = shell('echo up; exec sleep 300');
  await until('it runs', () => said.includes('up'));
  abort.abort();
  await expect(running).rejects.toThrow(/aborted/);
});

test.runIf(process.getuid?.() === 0)('no variable of a script reaches what runs as root before it', async () => {
  const [tools, canary] = [join(root.path, 'tools'), join(root.path, 'canary')];
  for (const dir of [tools, canary]) mkdirSync(dir);
  chmodSync(canary, 0o777);
  chmodSync(root.path, 0o755);
  for (const name of ['setpriv', 'cat', 'sh'])
    writeFileSync(join(tools, name), `#!/bin/sh\n>${canary}/$(/usr/bin/id -un)\n`, { mode: 0o755 });
  const env = { PATH: `${tools}:/usr/bin`, ENV: join(tools, 'sh'), SECRET: `it's $(id)\n"x"` };
  const run = runProgram(context({ user: 'nobody' }), '/usr/bin/env', ['-0'], { env, cwd: '/' });
  const { stdout } = await run;
  for (const [name, value] of Object.entries(env)) expect(stdout.split('\0')).toContain(`${name}=${value}`);
  expect(stdout).toContain(`STACKYARD_ATTEMPT=${cookie.value}`);
  const { stdout: user } = await runProgram(context({ user: 'nobody' }), '/usr/bin/id', ['-un'], { env, cwd: '/' });
  expect(user).toBe('nobody\n');
  expect(readdirSync(canary)).toEqual([]);
  const wrong = runProgram(context({ user: 'nobody' }), '/usr/bin/env', [], {
    env: { 'A;touch /tmp/x': '' },
    cwd: '/',
  });
  await expect(wrong).rejects.toThrow(/letters, digits and _/);
});
