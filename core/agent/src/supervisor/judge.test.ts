import { expect, test } from 'vitest';
import type { ComponentState } from '../processes/state.ts';
import { judge, type Probed } from './judge.ts';

const process = { pid: 7, startTime: 100, bootId: 'boot' };
const alive: ComponentState = { desired: 'running', process, alive: true, keeperAlive: true, restarts: 0 };
const ok = { ok: true, message: 'fine.' };
const bad = { ok: false, message: '127.0.0.1:1 refuses connections.' };
const probed: Probed = { startTime: 100, ready: ok, wasReady: true, health: {}, role: '', failures: 0 };
const young = { aliveMs: 1_000, readyMs: 60_000 };

const exit = { code: 3, pid: 7, at: 0, ranSeconds: 5 };

test.each([
  ['a stopped component', { ...alive, desired: 'stopped', alive: false }, undefined, young, 'STOPPED', ''],
  [
    'one that is about to start',
    { ...alive, alive: false },
    undefined,
    young,
    'STARTING',
    'Its process is being started.',
  ],
  [
    'one that crashed',
    { ...alive, alive: false, lastExit: exit, restarts: 2 },
    undefined,
    young,
    'UNHEALTHY',
    'Its process ended with exit code 3 after 5 s and will be started again. It has ended 2 times since it was started.',
  ],
  ['one that is not ready yet', alive, { ...probed, ready: bad, wasReady: false }, young, 'STARTING', bad.message],
  [
    'one that does not get ready',
    alive,
    { ...probed, ready: bad, wasReady: false },
    { ...young, aliveMs: 61_000 },
    'UNHEALTHY',
    `It was not ready within 60 s. ${bad.message}`,
  ],
  ['a healthy one', alive, probed, young, 'RUNNING', ''],
  ['one that failed a probe once', alive, { ...probed, health: { ruok: bad }, failures: 1 }, young, 'RUNNING', ''],
  [
    'one that fails a probe again',
    alive,
    { ...probed, health: { ruok: bad }, failures: 2 },
    young,
    'UNHEALTHY',
    `ruok: ${bad.message}`,
  ],
  [
    'a new process, whatever the one before was',
    alive,
    { ...probed, startTime: 99 },
    young,
    'STARTING',
    'It was just started.',
  ],
] as const)('%s', (_name, state, seen, times, observed, message) => {
  expect(judge(state, seen, times)).toEqual({ observed, message });
});
