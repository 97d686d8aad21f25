import { describe, expect, test } from 'vitest';
import type { AgentSays, HelloMessage, InventoryEntry } from './messages.ts';
import { failed } from './outcomes.ts';
import { createSessionsState, type Issued, type KnownAttempt, type SessionEffect, type SessionEvent } from './state.ts';
import { stepSessions } from './step.ts';
import { attemptsDigest } from './turn.ts';

const hostId = 'h';
const id = 't/1';
const hash = 'aa';
const result = { ...failed('LOST', ''), reason: undefined };

function start({ epoch = 7 } = {}) {
  const state = createSessionsState({ installId: 'i', epoch, heartbeatMs: 200, leaseMs: 1000, lostAfterMs: 5000 });
  const step = (event: SessionEvent): readonly SessionEffect[] => stepSessions(state, event);
  step({ kind: 'host', hostId, sessionNo: 4, journalId: 'journal', hostBootId: 'hb', connected: true, now: 0 });
  return {
    state,
    step,
    hello: (
      over: Partial<HelloMessage> = {},
      stream = 1,
      known: ReadonlyMap<string, KnownAttempt> = new Map(),
      now = 0,
    ) => step({ kind: 'hello', hostId, stream, known, now, hello: { ...greeting, ...over } }),
    says: (
      message: Exclude<AgentSays, HelloMessage>,
      { stream = 1, now = 0, known }: { stream?: number; now?: number; known?: KnownAttempt } = {},
    ) => step({ kind: 'message', hostId, stream, message, now, known }),
    issue: (over: Partial<Issued> = {}) =>
      step({
        kind: 'issued',
        hostId,
        attempt: { id, taskId: 't', hash, dispatch: 'SENT', journalId: 'journal', ending: undefined, ...over },
      }),
  };
}

const greeting: HelloMessage = {
  kind: 'hello',
  protoMin: 1,
  protoMax: 1,
  installId: 'i',
  maxEpochSeen: 7,
  agentBootId: 'b',
  hostBootId: 'hb',
  journalId: 'journal',
  agentVersion: '0.1.0',
  place: undefined,
  inventory: [],
  components: [],
};

/** One line per effect that matters here. */
function said(effects: readonly SessionEffect[]): string[] {
  return effects.flatMap((effect) => {
    switch (effect.kind) {
      case 'send':
        return 'id' in effect.message ? [`${effect.message.kind} ${effect.message.id}`] : [effect.message.kind];
      case 'result':
        return [`result ${effect.id} ${effect.result.reason ?? 'ok'}${effect.ackOn === undefined ? '' : ' ack'}`];
      case 'orphan':
        return [`orphan ${effect.id}${effect.ackOn === undefined ? '' : ' ack'}`];
      case 'late':
      case 'held':
        return [`${effect.kind} ${effect.id}`];
      case 'dispatch':
        return [`dispatch ${effect.id}`];
      case 'progress':
        return [`${effect.dispatch} ${effect.id}`];
      case 'close':
        return [`close ${effect.stream} ${effect.code}`];
      case 'up':
      case 'down':
      case 'lost':
      case 'disconnected':
      case 'alert':
        return [effect.kind];
      case 'session':
      case 'watch':
      case 'place':
      case 'components':
        return [];
    }
  });
}

describe('greeting', () => {
  test('a first stream is welcomed with the next session number', () => {
    const { hello, state } = start();
    expect(said(hello())).toEqual(['welcome', 'up']);
    expect(state.hosts.get(hostId)?.sessionNo).toBe(5);
  });

  test('a newer stream ends the older one, whose words then change nothing', () => {
    const { hello, issue, says } = start();
    hello();
    issue();
    expect(said(hello({}, 2))).toEqual(['close 1 SUPERSEDED', 'welcome', 'dispatch t/1', 'up']);
    expect(says({ kind: 'result', id, hash, result }, { stream: 1 })).toEqual([]);
    expect(said(says({ kind: 'result', id, hash, result }, { stream: 2 }))).toEqual(['result t/1 ok ack']);
  });

  test('a Hello that was overtaken by the one of a newer stream is refused', () => {
    const { hello } = start();
    hello({}, 2);
    expect(said(hello({}, 1))).toEqual(['close 1 SUPERSEDED']);
  });

  test.each([
    ['of an agent that obeyed a newer server', { maxEpochSeen: 8 }, 'STALE_EPOCH'],
    ['of another installation', { installId: 'other' }, 'OTHER_INSTALLATION'],
    ['in a version of the protocol nobody speaks here', { protoMin: 2, protoMax: 3 }, 'PROTOCOL'],
  ])('a Hello %s is refused', (_, over, code) => {
    expect(said(start().hello(over))).toEqual([`close 1 ${code}`, 'alert']);
  });
});

describe('what both sides have of an attempt is brought together', () => {
  const holds = (phase: InventoryEntry['phase']): InventoryEntry[] => [
    { id, hash, phase, result: phase === 'EXITED' ? result : undefined },
  ];
  test.each([
    ['SENT, unknown', 'SENT', [], 'journal', ['dispatch t/1']],
    ['SENT, unknown to a new journal', 'SENT', [], 'new', ['result t/1 AGENT_STATE_LOST']],
    ['SENT, accepted', 'SENT', holds('ACCEPTED'), 'journal', ['ACCEPTED t/1']],
    ['SENT, started', 'SENT', holds('STARTED'), 'journal', ['STARTED t/1']],
    ['SENT, exited', 'SENT', holds('EXITED'), 'journal', ['result t/1 ok ack']],
    ['SENT, only a tombstone', 'SENT', holds('TOMBSTONE'), 'journal', ['recall t/1']],
    ['STARTED, unknown', 'STARTED', [], 'journal', ['recall t/1']],
    ['ACCEPTED, unknown', 'ACCEPTED', [], 'journal', ['recall t/1']],
    ['STARTED, unknown to a new journal', 'STARTED', [], 'new', ['result t/1 AGENT_STATE_LOST']],
    ['STARTED, started', 'STARTED', holds('STARTED'), 'journal', []],
    ['ACCEPTED, exited', 'ACCEPTED', holds('EXITED'), 'journal', ['result t/1 ok ack']],
  ] as const)('%s', (_, dispatch, inventory, journalId, expected) => {
    const { hello, issue } = start();
    issue({ dispatch });
    expect(said(hello({ inventory, journalId }))).toEqual(['welcome', ...expected, 'up']);
  });

  test.each([
    ['ended, accepted', 'ENDED', 'ACCEPTED', ['cancel t/1']],
    ['ended, exited', 'ENDED', 'EXITED', ['late t/1']],
    ['given up, running: it may finish', 'GIVEN_UP', 'STARTED', []],
    ['given up, exited', 'GIVEN_UP', 'EXITED', ['late t/1']],
    ['waiting here, accepted', 'PENDING', 'ACCEPTED', ['alert', 'held t/1']],
    ['waiting here, running', 'PENDING', 'STARTED', ['alert', 'held t/1']],
    ['waiting here, exited', 'PENDING', 'EXITED', ['alert', 'held t/1']],
    ['not on record, running', undefined, 'STARTED', ['alert', 'orphan t/1']],
    ['not on record, exited', undefined, 'EXITED', ['alert', 'orphan t/1 ack']],
  ] as const)('%s', (_, row, phase, expected) => {
    const { hello } = start();
    const known = new Map(row ? [[id, { row, jobId: 'j' }]] : []);
    expect(said(hello({ inventory: holds(phase) }, 1, known))).toEqual(['welcome', ...expected, 'up']);
  });

  test('what was given up is ended when a newer attempt of its task waits', () => {
    const { hello, issue } = start();
    issue({ id: 't/2' });
    const known = new Map([[id, { row: 'GIVEN_UP' as const, jobId: 'j' }]]);
    expect(said(hello({ inventory: holds('STARTED') }, 1, known))).toEqual([
      'welcome',
      'dispatch t/2',
      'cancel t/1',
      'up',
    ]);
  });

  test('what may have run is not said to have been canceled before it started', () => {
    for (const [dispatch, reason] of [
      ['ACCEPTED', 'KILLED'],
      ['STARTED', 'LOST'],
    ] as const) {
      const { hello, issue, says } = start();
      issue({ dispatch, ending: 'USER_CANCEL' });
      expect(said(hello())).toEqual(['welcome', 'recall t/1', 'up']);
      expect(said(says({ kind: 'forgotten', id }))).toEqual([`result t/1 ${reason}`]);
    }
  });

  test('what an agent does not have any more is given up only when it has nothing kept of it either', () => {
    const { hello, issue, says } = start();
    issue({ dispatch: 'STARTED' });
    expect(said(hello({ hostBootId: 'later' }))).toEqual(['welcome', 'recall t/1', 'up']);
    expect(said(says({ kind: 'result', id, hash, result }))).toEqual(['result t/1 ok ack']);
    expect(said(says({ kind: 'forgotten', id }))).toEqual(['result t/1 HOST_REBOOTED']);
    expect(said(says({ kind: 'forgotten', id: 't/9' }))).toEqual([]);
  });

  test.each([
    ['ACCEPTED', ['ACCEPTED t/1']],
    ['STARTED', ['STARTED t/1']],
    ['EXITED', ['result t/1 ok ack']],
  ] as const)('what waits here and is %s there is taken over when it is issued, not sent again', (phase, expected) => {
    const { hello, issue } = start();
    hello({ inventory: holds(phase) }, 1, new Map([[id, { row: 'PENDING' as const, jobId: 'j' }]]));
    expect(said(issue())).toEqual(expected);
  });

  test('what is said of an attempt that waits here counts when it is taken over', () => {
    const { hello, issue, says } = start();
    hello({ inventory: holds('ACCEPTED') }, 1, new Map([[id, { row: 'PENDING' as const, jobId: 'j' }]]));
    says({ kind: 'started', id });
    expect(said(says({ kind: 'accepted', id }))).toEqual([]);
    expect(said(issue({ ending: 'USER_CANCEL' }))).toEqual(['STARTED t/1', 'cancel t/1']);
  });

  test('an agent that accepts what waits here after its Hello is asked for another one, which names the envelope', () => {
    const { hello, says } = start();
    hello();
    const known = { row: 'PENDING', jobId: 'j' } as const;
    expect(said(says({ kind: 'accepted', id }, { known }))).toEqual(['close 1 RECONCILE']);
    expect(said(says({ kind: 'accepted', id }, { known: { row: 'ENDED', jobId: 'j' } }))).toEqual(['cancel t/1']);
  });

  test('an attempt that is not on record is told of once, however often its agent comes back', () => {
    const { hello } = start();
    expect(said(hello({ inventory: holds('STARTED') }, 1))).toContain('orphan t/1');
    expect(said(hello({ inventory: holds('STARTED') }, 2))).not.toContain('orphan t/1');
    expect(said(hello({ inventory: holds('EXITED') }, 3))).toContain('orphan t/1 ack');
  });

  test('a canceled attempt that never arrived is canceled there as well, not sent again', () => {
    const { hello, issue, says } = start();
    issue({ ending: 'USER_CANCEL' });
    expect(said(hello())).toEqual(['welcome', 'cancel t/1', 'up']);
    expect(said(says({ kind: 'cancelReply', id, phase: 'TOMBSTONE' }))).toEqual(['recall t/1']);
    expect(said(says({ kind: 'forgotten', id }))).toEqual(['result t/1 KILLED']);
  });
});

describe('a live session', () => {
  test('a result for another envelope is neither taken nor acknowledged', () => {
    const { hello, issue, says } = start();
    hello();
    issue();
    expect(said(says({ kind: 'result', id, hash: 'bb', result }))).toEqual(['alert']);
  });

  test('a dispatch that is refused because the older attempt lives ends that and is sent again', () => {
    const { hello, issue, says } = start();
    hello();
    issue({ id: 't/3' });
    expect(said(says({ kind: 'refused', id: 't/3', reason: 'PREVIOUS_RUNNING', message: '' }))).toEqual([
      'cancel t/1',
      'cancel t/2',
    ]);
    expect(said(says({ kind: 'heartbeat', n: 1, digest: '' }))).toEqual(['heartbeatAck', 'dispatch t/3']);
    expect(said(says({ kind: 'heartbeat', n: 2, digest: '' }))).toEqual(['heartbeatAck']);
  });

  test('any other refusal fails the attempt with its reason', () => {
    const { hello, issue, says } = start();
    hello();
    issue();
    const [effect] = says({ kind: 'refused', id, reason: 'SPOOL_FULL', message: 'The disk is full.' });
    expect(effect).toMatchObject({ kind: 'result', result: { reason: 'SPOOL_FULL', message: 'The disk is full.' } });
  });

  test('a disagreement that lasts three heartbeats makes the agent say again what it has, and once more after minutes', () => {
    const { hello, issue, says } = start();
    hello();
    issue();
    const odd = { kind: 'heartbeat', n: 1, digest: attemptsDigest([]) } as const;
    expect([says(odd), says(odd), says(odd)].map((effects) => said(effects).at(-1))).toEqual([
      'heartbeatAck',
      'heartbeatAck',
      'close 1 RECONCILE',
    ]);
    hello({ inventory: [{ id, hash, phase: 'STARTED', result: undefined }] }, 2);
    const again = [1, 2, 3, 4].map(() => said(says(odd, { stream: 2 })).at(-1));
    expect(again).toEqual(Array(4).fill('heartbeatAck'));
    expect(said(says({ ...odd, digest: attemptsDigest([id]) }, { stream: 2 }))).toEqual(['heartbeatAck']);
    const later = [1, 2, 3].map(() => said(says(odd, { stream: 2, now: 300_000 })).at(-1));
    expect(later).toEqual(['heartbeatAck', 'heartbeatAck', 'close 2 RECONCILE']);
  });
});

describe('silence', () => {
  test('after a start nobody is unreachable before two leases', () => {
    const { step } = start();
    for (let now = 500; now <= 2000; now += 500) expect(said(step({ kind: 'tick', now }))).toEqual([]);
    expect(said(step({ kind: 'tick', now: 2001 }))).toEqual(['disconnected']);
  });

  test('a broken stream leaves the host connected until its lease is over, a goodbye does not', () => {
    const broken = start();
    broken.hello();
    expect(said(broken.step({ kind: 'closed', hostId, stream: 1, clean: false, now: 10 }))).toEqual(['down']);
    for (const now of [500, 1000]) expect(said(broken.step({ kind: 'tick', now }))).toEqual([]);
    expect(said(broken.step({ kind: 'tick', now: 1001 }))).toEqual(['disconnected']);
    const clean = start();
    clean.hello();
    expect(said(clean.step({ kind: 'closed', hostId, stream: 1, clean: true, now: 10 }))).toEqual([
      'down',
      'disconnected',
    ]);
  });

  test('a silent agent loses its stream with its lease, and its attempts after that', () => {
    const { hello, issue, step } = start();
    hello();
    issue();
    for (const now of [500, 1000]) step({ kind: 'tick', now });
    expect(said(step({ kind: 'tick', now: 1001 }))).toEqual(['close 1 LEASE_EXPIRED', 'down', 'disconnected']);
    for (let now = 1500; now <= 5000; now += 500) expect(said(step({ kind: 'tick', now }))).toEqual([]);
    expect(said(step({ kind: 'tick', now: 5001 }))).toEqual(['result t/1 LOST', 'lost']);
  });

  test('while the server itself stood still nobody was silent: agents get two leases, as after a start', () => {
    const { hello, issue, step } = start();
    hello();
    issue();
    step({ kind: 'tick', now: 400 });
    for (const now of [90_000, 90_500, 91_000, 91_500]) expect(said(step({ kind: 'tick', now }))).toEqual([]);
    expect(said(step({ kind: 'tick', now: 92_000 }))).toEqual(['close 1 LEASE_EXPIRED', 'down', 'disconnected']);
  });

  test('a large fleet is given a slower pace with its next heartbeat, and a lease that it has not yet heard of never ends early', () => {
    const { hello, step, says, state } = start();
    const pace = (effects: readonly SessionEffect[]) =>
      effects.flatMap((effect) => (effect.kind === 'send' && 'leaseMs' in effect.message ? [effect.message] : []));
    const others = Array.from({ length: 79 }, (_, index) => `h${index}`);
    for (const other of others)
      step({ kind: 'host', hostId: other, sessionNo: 1, journalId: 'j', hostBootId: 'b', connected: true, now: 0 });
    expect(pace(hello())).toMatchObject([{ kind: 'welcome', heartbeatMs: 200, leaseMs: 1000 }]);
    step({ kind: 'tick', now: 100 });
    expect(pace(says({ kind: 'heartbeat', n: 1, digest: attemptsDigest([]) }, { now: 200 }))).toMatchObject([
      { kind: 'heartbeatAck', heartbeatMs: 400, leaseMs: 2000 },
    ]);
    for (const other of others) step({ kind: 'hostRemoved', hostId: other });
    step({ kind: 'tick', now: 300 });
    says({ kind: 'heartbeat', n: 2, digest: attemptsDigest([]) }, { now: 600 });
    for (let now = 700; now <= 2500; now += 450) step({ kind: 'tick', now });
    expect(state.hosts.get(hostId)?.connected).toBe(true);
    step({ kind: 'tick', now: 2601 });
    expect(state.hosts.get(hostId)?.connected).toBe(false);
  });

  test('a server that stands still before time has first passed for it takes nobody for silent either', () => {
    const { step } = start();
    expect(said(step({ kind: 'tick', now: 90_000 }))).toEqual([]);
  });

  test('an agent that cannot be judged, as while the database is away, is not silent', () => {
    const { hello, issue, step } = start();
    hello();
    issue();
    for (let now = 500; now <= 20_000; now += 500) {
      step({ kind: 'unjudged', hostId, now });
      expect(said(step({ kind: 'tick', now }))).toEqual([]);
    }
  });

  test('what was given up is so at once, also while that is not committed: its result is late, and it starts no more', () => {
    const { hello, issue, step, says } = start();
    hello();
    issue();
    for (let now = 500; now <= 5500; now += 500) step({ kind: 'tick', now });
    const late = { kind: 'result', id, hash, result } as const;
    hello({ inventory: [] }, 2);
    expect(said(says(late, { stream: 2 }))).toEqual(['late t/1']);
    const back = hello({ inventory: [{ id, hash, phase: 'ACCEPTED', result: undefined }] }, 3);
    expect(said(back)).toContain('cancel t/1');
  });

  test('a host that is removed gives up its attempts; nothing is heard of it again', () => {
    const { hello, issue, step, says } = start();
    hello();
    issue();
    expect(said(step({ kind: 'hostRemoved', hostId }))).toEqual(['close 1 REMOVED', 'down', 'result t/1 LOST', 'lost']);
    expect(says({ kind: 'started', id })).toEqual([]);
  });

  test('a host that joins again keeps what was issued to it, for the agent that comes by its new certificate', () => {
    const { hello, issue, step } = start();
    hello();
    issue();
    expect(said(step({ kind: 'hostRejoined', hostId }))).toEqual(['close 1 REMOVED', 'down']);
    expect(said(hello({}, 2))).toContain('dispatch t/1');
  });

  test('a host that is revoked is out of reach at once; its attempts wait for it as for any that is silent', () => {
    const { hello, issue, step } = start();
    hello();
    issue();
    expect(said(step({ kind: 'hostRevoked', hostId }))).toEqual(['close 1 REMOVED', 'down', 'disconnected']);
    expect(said(step({ kind: 'hostRevoked', hostId }))).toEqual([]);
    for (let now = 500; now <= 5000; now += 500) expect(said(step({ kind: 'tick', now }))).toEqual([]);
    expect(said(step({ kind: 'tick', now: 5001 }))).toEqual(['result t/1 LOST', 'lost']);
  });
});
