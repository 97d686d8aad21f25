import { randomUUID } from 'node:crypto';
import type { Hello__Output, HostFacts__Output, Result__Output } from '@stackyard/proto';
import { expect, test } from 'vitest';
import { createSessionsState } from './state.ts';
import { stepSessions } from './step.ts';
import { fromWire } from './wire.ts';

const attempt = { taskId: randomUUID(), number: 1 };
const result: Result__Output = {
  attempt,
  envelopeHash: Buffer.alloc(32),
  reason: '',
  message: '',
  exitCode: 0,
  signal: '',
  startedAtMs: 1,
  durationMs: 1,
  logSize: 1,
  outputs: {},
  applied: {},
};
const facts: HostFacts__Output = {
  hostname: 'h1',
  os: 'linux',
  osFamily: '',
  kernel: '6',
  arch: 'x64',
  cpus: 1,
  memory: 1,
  disk: 1,
  java: [],
  root: '/srv/h1',
  address: '127.0.0.1',
  bind: '127.0.0.1',
  local: true,
  privileged: false,
  more: {},
};
const hello: Hello__Output = {
  protoMin: 1,
  protoMax: 1,
  agentBootId: 'boot',
  hostBootId: 'boot',
  journalId: randomUUID(),
  installId: '',
  maxEpochSeen: 0,
  inventory: [],
  facts,
  components: [],
  trusted: null,
  agentVersion: '1',
};
const hear = (message: object) => fromWire(message);

test('numbers that no column holds are cut to what it holds', () => {
  const huge = { startedAtMs: 2 ** 63, durationMs: 2 ** 63, logSize: 2 ** 63, signal: 'x'.repeat(9999) };
  const said = hear({ body: 'result', result: { ...result, ...huge } });
  if (said?.kind !== 'result') throw new Error('not a result');
  expect(said.result).toMatchObject({ durationMs: 2 ** 31 - 1, logSize: Number.MAX_SAFE_INTEGER });
  expect(new Date(said.result.startedAtMs).toISOString()).toBe('9999-12-31T23:59:59.999Z');
  expect(said.result.signal.length).toBe(255);
  const components = [
    { hostComponentId: 'x', observed: 'ON', message: '', role: 'r'.repeat(999), restarts: 4e9, pid: 4e9 },
  ];
  const seen = hear({ body: 'componentStatuses', componentStatuses: { components } });
  if (seen?.kind !== 'components') throw new Error('not components');
  expect(seen.components[0]).toMatchObject({ observed: 'UNKNOWN', restarts: 2 ** 31 - 1, pid: 2 ** 31 - 1 });
  expect(seen.components[0]?.role.length).toBe(255);
});

test('a task that puts out more than is kept has failed, and says so', () => {
  for (const name of ['outputs', 'applied']) {
    const said = hear({ body: 'result', result: { ...result, [name]: { a: 'x'.repeat(2 ** 20) } } });
    expect(said).toMatchObject({ result: { reason: 'EXIT_NONZERO', outputs: {}, applied: {} } });
    expect(said).toHaveProperty('result.message', expect.stringContaining('more than is kept'));
  }
});

test.each([
  ['root', { root: '../x' }],
  ['root', { root: '/srv/../../etc' }],
  ['root', { root: '/srv/..' }],
  ['root', { root: '/srv/h1\nserver.9=evil' }],
  ['root', { root: `/${'x'.repeat(300)}` }],
  ['address', { address: '10.0.0.1\nserver.9=evil:2888' }],
  ['address', { address: '10.0.0.1;rm' }],
  ['address to bind', { bind: '$(id)' }],
  ['journal id', {}, "' or 1=1"],
])('an agent with an odd %s is turned away: %j', (what, odd, journalId = randomUUID()) => {
  const said = hear({ body: 'hello', hello: { ...hello, journalId, facts: { ...facts, ...odd } } });
  if (said?.kind !== 'hello') throw new Error('not a hello');
  const state = createSessionsState({ installId: 'i', epoch: 1, heartbeatMs: 1, leaseMs: 1, lostAfterMs: 1 });
  const hostId = randomUUID();
  const host = { sessionNo: 0, journalId: undefined, hostBootId: undefined, connected: false, now: 0 };
  stepSessions(state, { kind: 'host', hostId, ...host });
  const effects = stepSessions(state, { kind: 'hello', hostId, stream: 1, hello: said, known: new Map(), now: 0 });
  const message = expect.stringContaining(`The agent's ${what} is not one`);
  expect(effects[0]).toMatchObject({ kind: 'close', code: 'PROTOCOL', message });
});

test.each(['/', '/srv/h1', '/srv/a b/ü..x', ''])('root %j is let in', (root) => {
  const said = hear({ body: 'hello', hello: { ...hello, facts: { ...facts, root, address: 'fe80::1%eth0' } } });
  if (said?.kind !== 'hello') throw new Error('not a hello');
  const state = createSessionsState({ installId: 'i', epoch: 1, heartbeatMs: 1, leaseMs: 1, lostAfterMs: 1 });
  stepSessions(state, {
    kind: 'host',
    hostId: 'h',
    sessionNo: 0,
    journalId: undefined,
    hostBootId: undefined,
    connected: false,
    now: 0,
  });
  const effects = stepSessions(state, { kind: 'hello', hostId: 'h', stream: 1, hello: said, known: new Map(), now: 0 });
  expect(effects.map(({ kind }) => kind)).toContain('session');
});
