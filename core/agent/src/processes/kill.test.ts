import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { identityOf, isAlive } from './identity.ts';
import { type Cookie, endProcesses, findByCookie } from './kill.ts';
import { until } from './testing.ts';

let started: { child: ChildProcess; cookie: Cookie }[] = [];
afterEach(async () => {
  for (const { cookie } of started) await endProcesses({ cookie, graceMs: 0 });
  started = [];
});

function start(script: string) {
  const cookie: Cookie = { name: 'STACKYARD_ATTEMPT', value: randomUUID() };
  const env = { PATH: process.env['PATH'], [cookie.name]: cookie.value };
  const child = spawn('/bin/sh', ['-c', script], { detached: true, stdio: 'ignore', env });
  started.push({ child, cookie });
  return { cookie, leader: identityOf(child.pid!)! };
}

const shapes = {
  'a plain tree': 'sleep 300 & sleep 301 & sleep 302',
  'a double fork into another session': '(setsid sh -c "sleep 300 & sleep 301" &) ; sleep 302',
  'processes deaf to SIGTERM': '(trap "" TERM HUP; nohup sh -c "while :; do sleep 1; done" &) ; sleep 302',
  'a loop that keeps forking into new sessions': 'while :; do setsid sleep 300 & sleep 0.005; done',
};

test.each(Object.entries(shapes))('of %s nothing is left', async (_name, script) => {
  const { cookie, leader } = start(script);
  await until('it has grown', async () => (await findByCookie(cookie)).length > 2);
  const report = await endProcesses({ cookie, leader, graceMs: 60 });
  expect(report.mechanism).toBe('cookie-scan');
  expect(await findByCookie(cookie)).toEqual([]);
  expect(isAlive(leader)).toBe(false);
});

test('what ends by itself within the grace is not killed', async () => {
  const { cookie, leader } = start('trap "sleep 0.1; exit 0" TERM; while :; do sleep 0.05; done');
  await until('it runs', async () => (await findByCookie(cookie)).length > 1);
  expect(await endProcesses({ cookie, leader, graceMs: 5_000 })).toEqual({ mechanism: 'cookie-scan', forced: false });
});

test('processes of another cookie are left alone, be it longer or shorter by a letter', async () => {
  const { cookie, leader } = start('sleep 300');
  const shorter = { ...cookie, value: cookie.value.slice(0, -1) };
  const longer = { ...cookie, value: `${cookie.value}0` };
  await endProcesses({ cookie: shorter, graceMs: 0 });
  await endProcesses({ cookie: longer, graceMs: 0 });
  expect(isAlive(leader)).toBe(true);
});
