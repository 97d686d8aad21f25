import { expect, test } from 'vitest';
import { attemptsDigest } from './attempts.ts';
import { restore } from './restore.ts';
import { Conversation, done, kinds, order, said, welcome } from './testing.ts';

const first = { taskId: 'task-a', number: 1 };
const second = { taskId: 'task-a', number: 2 };
const fresh = { fence: { installId: 'install', epoch: 0 }, attempts: [], tombstones: [] };

test('nothing the server says is obeyed before its epoch is on disk', () => {
  const agent = new Conversation();
  expect(kinds(agent.happen({ kind: 'connected', stream: 1 }))).toEqual(['hello']);
  expect(kinds(agent.hear({ kind: 'dispatch', ...order(first) }))).toEqual([]);
  expect(kinds(agent.hear(welcome))).toEqual(['saveFence']);
  expect(kinds(agent.hear({ kind: 'dispatch', ...order(first) }))).toEqual([]);
  const fence = { installId: 'install', epoch: 7 };
  expect(kinds(agent.happen({ kind: 'fenceSaved', fence }))).toEqual(['heartbeat', 'schedule', 'journal']);
});

test('a server of a lower epoch or of another installation is refused', () => {
  const agent = new Conversation().greeted();
  for (const other of [
    { epoch: 6, sessionNo: 2 },
    { installId: 'other', sessionNo: 2 },
  ]) {
    agent.happen({ kind: 'connected', stream: 1 });
    expect(kinds(agent.hear({ ...welcome, ...other }))).toEqual(['close', 'alert']);
    expect(kinds(agent.hear({ kind: 'dispatch', ...order(first) }))).toEqual([]);
  }
});

test('a server of a lower epoch is refused while the higher one is still on its way to the disk', () => {
  const agent = new Conversation().greeted();
  agent.happen({ kind: 'connected', stream: 1 });
  expect(kinds(agent.hear({ ...welcome, epoch: 9 }))).toEqual(['saveFence']);
  agent.happen({ kind: 'connected', stream: 1 });
  expect(kinds(agent.hear({ ...welcome, epoch: 8 }))).toEqual(['close', 'alert']);
  agent.happen({ kind: 'fenceSaved', fence: { installId: 'install', epoch: 9 } });
  expect(agent.state.fence.epoch).toBe(9);
});

test('an older session of the same epoch is refused, a newer one taken without a write', () => {
  const agent = new Conversation().greeted();
  agent.happen({ kind: 'connected', stream: 1 });
  expect(kinds(agent.hear(welcome))).toEqual(['close']);
  agent.happen({ kind: 'connected', stream: 1 });
  expect(kinds(agent.hear({ ...welcome, sessionNo: 2 }))).toEqual(['heartbeat', 'schedule']);
});

test('a command is accepted only once it is on disk, then started', () => {
  const agent = new Conversation().greeted();
  expect(kinds(agent.hear({ kind: 'dispatch', ...order(first) }))).toEqual(['journal']);
  expect(kinds(agent.happen({ kind: 'journaled', attempt: first }))).toEqual(['accepted', 'start']);
});

test('a command that cannot be journaled is refused, also when it is said twice; a new session may bring it again', () => {
  const agent = new Conversation().greeted();
  agent.hear({ kind: 'dispatch', ...order(first) });
  const effects = agent.happen({ kind: 'notJournaled', attempt: first, reason: 'SPOOL_FULL', message: 'Disk full.' });
  expect(said(effects)).toEqual([{ kind: 'refused', attempt: first, reason: 'SPOOL_FULL', message: 'Disk full.' }]);
  expect(said(agent.hear({ kind: 'dispatch', ...order(first) }))).toEqual(said(effects));
  agent.happen({ kind: 'connected', stream: 1 });
  agent.hear({ ...welcome, sessionNo: 2 });
  expect(kinds(agent.hear({ kind: 'dispatch', ...order(first) }))).toEqual(['journal']);
});

test('a repeated command is answered with how far its attempt is, in every phase, and with its result if it has one', () => {
  const agent = new Conversation().greeted();
  const repeat = () => said(agent.hear({ kind: 'dispatch', ...order(first) }));
  agent.hear({ kind: 'dispatch', ...order(first) });
  expect(repeat()).toEqual([]);
  agent.happen({ kind: 'journaled', attempt: first });
  expect(repeat()).toEqual([{ kind: 'duplicate', attempt: first, phase: 'ACCEPTED' }]);
  agent.happen({ kind: 'started', attempt: first, pid: 4 });
  expect(repeat()).toEqual([{ kind: 'duplicate', attempt: first, phase: 'STARTED' }]);
  agent.happen({ kind: 'exited', attempt: first, result: done });
  expect(repeat()).toEqual([
    { kind: 'duplicate', attempt: first, phase: 'EXITED' },
    { kind: 'result', attempt: first, hash: order(first).hash, result: done },
  ]);
  expect(kinds(agent.hear({ kind: 'resultAck', attempt: first }))).toEqual(['settle']);
  expect(repeat()).toEqual([{ kind: 'duplicate', attempt: first, phase: 'TOMBSTONE' }]);
});

test('bytes that are not what their hash names, or another envelope for a known attempt, are refused with an alert', () => {
  const agent = new Conversation().greeted();
  const given = order(first);
  const torn = { ...given, envelope: Buffer.from('other') };
  expect(kinds(agent.hear({ kind: 'dispatch', ...torn }))).toEqual(['refused', 'alert']);
  expect(kinds(agent.hear({ kind: 'dispatch', ...given, terms: { ...given.terms, number: 9 } }))).toEqual([
    'refused',
    'alert',
  ]);
  agent.accepted(given);
  const other = order(second);
  expect(kinds(agent.hear({ kind: 'dispatch', ...other, attempt: first, terms: given.terms }))).toEqual([
    'refused',
    'alert',
  ]);
});

test('a new attempt waits for the end of the previous one, and an older one never follows a newer one', () => {
  const agent = new Conversation().greeted();
  agent.accepted(order(second));
  expect(said(agent.hear({ kind: 'dispatch', ...order(first) }))).toMatchObject([{ reason: 'SUPERSEDED' }]);
  const third = { taskId: 'task-a', number: 3 };
  expect(said(agent.hear({ kind: 'dispatch', ...order(third) }))).toMatchObject([{ reason: 'PREVIOUS_RUNNING' }]);
  agent.happen({ kind: 'started', attempt: second, pid: 4 });
  agent.happen({ kind: 'exited', attempt: second, result: done });
  expect(kinds(agent.hear({ kind: 'dispatch', ...order(third) }))).toEqual(['journal']);
});

test('a result is told until it is acknowledged, over every new session', () => {
  const agent = new Conversation().greeted();
  agent.accepted(order(first));
  agent.happen({ kind: 'started', attempt: first, pid: 4 });
  agent.happen({ kind: 'disconnected', stream: 1 });
  expect(kinds(agent.happen({ kind: 'exited', attempt: first, result: done }))).toEqual([]);
  const [hello] = said(agent.happen({ kind: 'connected', stream: 2 }));
  expect(hello).toMatchObject({ inventory: [{ attempt: first, phase: 'EXITED', result: done }] });
});

test('what changes between hello and welcome is told with the welcome', () => {
  const agent = new Conversation().greeted();
  agent.accepted(order(first));
  agent.happen({ kind: 'connected', stream: 1 });
  agent.happen({ kind: 'started', attempt: first, pid: 4 });
  agent.happen({ kind: 'exited', attempt: first, result: done });
  expect(said(agent.hear({ ...welcome, sessionNo: 2 }))).toMatchObject([
    { kind: 'result', attempt: first },
    { kind: 'heartbeat' },
  ]);
});

test('what waits starts only when the first heartbeat is answered, so that a cancel behind the welcome comes first', () => {
  const { hash, terms } = order(first);
  const attempts = [{ attempt: first, hash, terms, standing: 'WAITING' as const, startBy: 900_000 }];
  const agent = new Conversation(restore({ fence: { installId: 'install', epoch: 7 }, attempts, tombstones: [] }));
  agent.happen({ kind: 'connected', stream: 1 });
  expect(kinds(agent.hear(welcome))).not.toContain('start');
  const effects = agent.hear({ kind: 'cancel', attempt: first, graceMs: 5, cause: 'LOST' });
  expect(kinds(effects)).toEqual(['cancelReply', 'finish']);
  expect(kinds(agent.hear({ kind: 'heartbeatAck', n: 1, leaseMs: 30_000, heartbeatMs: 0 }))).toEqual([]);
});

test('nothing starts in the last two seconds of a lease; a heartbeat that is answered renews it from its sending on', () => {
  const agent = new Conversation().greeted();
  agent.now = 5_000;
  agent.happen({ kind: 'timer', timer: 'heartbeat' });
  agent.now = 28_000;
  expect(kinds(agent.accepted(order(first)))).toEqual(['accepted', 'schedule']);
  expect(kinds(agent.hear({ kind: 'heartbeatAck', n: 2, leaseMs: 30_000, heartbeatMs: 0 }))).toEqual(['start']);
  agent.now = 33_000;
  expect(kinds(agent.accepted(order({ taskId: 'task-b', number: 1 })))).not.toContain('start');
});

test('it beats as often as the server said last', () => {
  const agent = new Conversation().greeted();
  const beat = () => agent.happen({ kind: 'timer', timer: 'heartbeat' }).find(({ kind }) => kind === 'schedule');
  expect(beat()).toMatchObject({ timer: 'heartbeat', afterMs: 5_000 });
  agent.hear({ kind: 'heartbeatAck', n: 2, leaseMs: 150_000, heartbeatMs: 25_000 });
  expect(beat()).toMatchObject({ timer: 'heartbeat', afterMs: 25_000 });
});

test('what was not ready before its lease had ended waits for the next one, however long that took', () => {
  const agent = new Conversation().greeted();
  const [, start] = agent.accepted(order(first, { startWithinMs: 20_000 }));
  expect(start).toMatchObject({ kind: 'start', until: 28_000 });
  agent.now = 40_000;
  expect(kinds(agent.happen({ kind: 'postponed', attempt: first }))).toEqual(['finish']);

  const slow = { taskId: 'task-b', number: 1 };
  agent.happen({ kind: 'timer', timer: 'heartbeat' });
  agent.hear({ kind: 'heartbeatAck', n: 2, leaseMs: 30_000, heartbeatMs: 0 });
  agent.accepted(order(slow, { startWithinMs: 20_000 }));
  agent.now = 65_000;
  agent.happen({ kind: 'timer', timer: 'heartbeat' });
  agent.hear({ kind: 'heartbeatAck', n: 3, leaseMs: 30_000, heartbeatMs: 0 });
  agent.now = 69_000;
  expect(agent.happen({ kind: 'postponed', attempt: slow })).toMatchObject([{ kind: 'start', until: 93_000 }]);
});

test('an attempt whose end was asked for is not started again when it comes back', () => {
  const agent = new Conversation().greeted();
  agent.accepted(order(first));
  expect(kinds(agent.hear({ kind: 'cancel', attempt: first, graceMs: 5, cause: 'USER_CANCEL' }))).toEqual([
    'cancelReply',
    'end',
  ]);
  expect(kinds(agent.happen({ kind: 'postponed', attempt: first }))).toEqual([]);
});

test('an attempt that could not start in time is finished as expired without ever running', () => {
  const agent = new Conversation().greeted();
  agent.now = 40_000;
  agent.accepted(order(first, { startWithinMs: 10_000 }));
  agent.now = 50_000;
  const effects = agent.happen({ kind: 'timer', timer: 'deadline' });
  expect(effects).toMatchObject([{ kind: 'finish', attempt: first, result: { reason: 'EXPIRED_BEFORE_START' } }]);
  agent.happen({ kind: 'connected', stream: 1 });
  expect(kinds(agent.hear({ ...welcome, sessionNo: 2 }))).not.toContain('start');
});

test('what runs too long is ended once, counted from its start', () => {
  const agent = new Conversation().greeted();
  agent.accepted(order(first, { timeoutMs: 1_000 }));
  agent.now = 500;
  const [, schedule] = agent.happen({ kind: 'started', attempt: first, pid: 4 });
  expect(schedule).toMatchObject({ kind: 'schedule', timer: 'deadline', afterMs: 1_000 });
  agent.now = 1_500;
  expect(agent.happen({ kind: 'timer', timer: 'deadline' })).toMatchObject([{ kind: 'end', reason: 'TIMEOUT' }]);
  expect(kinds(agent.happen({ kind: 'timer', timer: 'deadline' }))).toEqual([]);
});

test('a cancel ends what runs, prevents what waits, and buries what never came', () => {
  const agent = new Conversation().greeted();
  const cancel = (attempt: typeof first) => agent.hear({ kind: 'cancel', attempt, graceMs: 5, cause: 'USER_CANCEL' });
  agent.accepted(order(first));
  expect(kinds(cancel(first))).toEqual(['cancelReply', 'end']);
  expect(kinds(cancel(first))).toEqual(['cancelReply']);

  agent.now = 60_000;
  const waiting = { taskId: 'task-b', number: 1 };
  agent.accepted(order(waiting));
  expect(cancel(waiting)).toMatchObject([{ kind: 'send' }, { kind: 'finish', result: { reason: 'KILLED' } }]);

  const never = { taskId: 'task-c', number: 1 };
  expect(kinds(cancel(never))).toEqual(['bury']);
  expect(said(agent.happen({ kind: 'tombstoned', attempt: never }))).toMatchObject([
    { kind: 'cancelReply', phase: 'TOMBSTONE' },
  ]);
  expect(said(agent.hear({ kind: 'dispatch', ...order(never) }))).toMatchObject([
    { kind: 'duplicate', phase: 'TOMBSTONE' },
  ]);
});

test('no cancel is answered before its tombstone is on disk, however often it comes, nor the command it overtook', () => {
  const agent = new Conversation().greeted();
  const cancel = () => agent.hear({ kind: 'cancel', attempt: first, graceMs: 5, cause: 'USER_CANCEL' });
  expect(kinds(cancel())).toEqual(['bury']);
  expect(kinds(cancel())).toEqual([]);
  expect(kinds(agent.hear({ kind: 'dispatch', ...order(first) }))).toEqual([]);
  expect(kinds(agent.happen({ kind: 'tombstoned', attempt: first }))).toEqual(['cancelReply']);
  expect(kinds(cancel())).toEqual(['cancelReply']);
  expect(said(agent.hear({ kind: 'dispatch', ...order(first) }))).toMatchObject([
    { kind: 'duplicate', phase: 'TOMBSTONE' },
  ]);
});

test('a cancel holds for a command that could not be journaled and is sent again', () => {
  const agent = new Conversation().greeted();
  agent.hear({ kind: 'dispatch', ...order(first) });
  agent.hear({ kind: 'cancel', attempt: first, graceMs: 5, cause: 'USER_CANCEL' });
  const full = { kind: 'notJournaled', attempt: first, reason: 'SPOOL_FULL', message: 'Disk full.' } as const;
  expect(kinds(agent.happen(full))).toEqual(['refused', 'bury']);
  agent.happen({ kind: 'tombstoned', attempt: first });
  expect(kinds(agent.hear({ kind: 'dispatch', ...order(first) }))).toEqual(['duplicate']);
});

test('a result that was acknowledged is told again when it is asked for, until it is acknowledged anew', () => {
  const agent = new Conversation().greeted();
  agent.accepted(order(first));
  agent.happen({ kind: 'started', attempt: first, pid: 1 });
  const recall = () => agent.hear({ kind: 'recall', attempt: first });
  expect(said(recall())).toMatchObject([{ kind: 'duplicate', phase: 'STARTED' }]);
  agent.happen({ kind: 'exited', attempt: first, result: done });
  agent.hear({ kind: 'resultAck', attempt: first });
  expect(recall()).toEqual([{ kind: 'recall', attempt: first }]);
  const kept = { hash: order(first).hash, result: done };
  const told = { kind: 'result', attempt: first, ...kept };
  expect(said(agent.happen({ kind: 'recalled', attempt: first, kept }))).toEqual([told]);
  expect(said(agent.happen({ kind: 'recalled', attempt: first, kept: undefined }))).toEqual([]);
  expect(said(recall())).toMatchObject([{ kind: 'duplicate', phase: 'EXITED' }, told]);
  expect(said(agent.happen({ kind: 'connected', stream: 1 }))).toMatchObject([
    { inventory: [{ attempt: first, phase: 'EXITED', result: done }] },
  ]);
  agent.hear({ ...welcome, sessionNo: 2 });
  expect(kinds(agent.hear({ kind: 'resultAck', attempt: first }))).toEqual(['settle']);
  expect(kinds(agent.hear({ kind: 'dispatch', ...order(first) }))).toEqual(['duplicate']);
});

test('of what is not kept any more it is said so', () => {
  const agent = new Conversation().greeted();
  agent.hear({ kind: 'recall', attempt: first });
  expect(said(agent.happen({ kind: 'recalled', attempt: first, kept: undefined }))).toEqual([
    { kind: 'forgotten', attempt: first },
  ]);
});

test('an older attempt that comes after a newer one of its task is over is refused', () => {
  const agent = new Conversation().greeted();
  agent.accepted(order(second));
  agent.happen({ kind: 'started', attempt: second, pid: 4 });
  agent.happen({ kind: 'exited', attempt: second, result: done });
  agent.hear({ kind: 'resultAck', attempt: second });
  expect(said(agent.hear({ kind: 'dispatch', ...order(first) }))).toMatchObject([
    { kind: 'refused', reason: 'SUPERSEDED' },
  ]);
});

test('a command for the root of another host is refused', () => {
  const agent = new Conversation(restore({ ...fresh, root: '/srv/h1' })).greeted();
  const [refused] = said(agent.hear({ kind: 'dispatch', ...order(first, { root: '/srv/h2' }) }));
  expect(refused).toMatchObject({ kind: 'refused', reason: 'ARTIFACT_INTEGRITY' });
  expect(refused).toHaveProperty('message', expect.stringContaining('"/srv/h2", this agent manages "/srv/h1"'));
  expect(kinds(agent.hear({ kind: 'dispatch', ...order(first, { root: '/srv/h1' }) }))).toEqual(['journal']);
});

test('a cancel that comes while the command is being journaled keeps it from starting', () => {
  const agent = new Conversation().greeted();
  agent.hear({ kind: 'dispatch', ...order(first) });
  agent.hear({ kind: 'cancel', attempt: first, graceMs: 5, cause: 'USER_CANCEL' });
  expect(kinds(agent.happen({ kind: 'journaled', attempt: first }))).toEqual(['accepted', 'finish']);
});

test('heartbeats name what runs and a digest of all that is unacknowledged', () => {
  const agent = new Conversation().greeted();
  agent.accepted(order(first));
  agent.happen({ kind: 'started', attempt: first, pid: 4 });
  const [heartbeat] = said(agent.happen({ kind: 'timer', timer: 'heartbeat' }));
  expect(heartbeat).toEqual({
    kind: 'heartbeat',
    n: 2,
    digest: attemptsDigest(agent.state.attempts),
    running: [first],
  });
});

test('the server sends an agent away and says when to come back', () => {
  const agent = new Conversation().greeted();
  const effects = agent.hear({ kind: 'goaway', retryAfterMs: 700, reason: 'restart' });
  expect(effects).toEqual([{ kind: 'close', stream: 1, reason: 'restart', retryAfterMs: 700 }]);
});

test('a restarted agent starts what certainly never started, follows what runs, and remembers what is over', () => {
  const { hash, terms } = order(first);
  const running = { taskId: 'task-b', number: 1 };
  const over = { taskId: 'task-c', number: 1 };
  const agent = new Conversation(
    restore({
      fence: { installId: 'install', epoch: 7 },
      attempts: [
        { attempt: first, hash, terms, standing: 'WAITING', startBy: 60_000 },
        {
          attempt: running,
          hash: order(running).hash,
          terms: order(running).terms,
          standing: 'STARTED',
          startBy: 0,
          endBy: 9_000,
          pid: 4,
        },
      ],
      tombstones: [{ attempt: over, hash: order(over).hash }],
    }),
  );
  const [hello] = said(agent.happen({ kind: 'connected', stream: 1 }));
  expect(hello).toMatchObject({ inventory: [{ phase: 'ACCEPTED' }, { phase: 'STARTED' }] });
  expect(kinds(agent.hear(welcome))).toEqual(['heartbeat', 'schedule']);
  expect(kinds(agent.hear({ kind: 'heartbeatAck', n: 1, leaseMs: 30_000, heartbeatMs: 0 }))).toEqual([
    'start',
    'schedule',
  ]);
  expect(said(agent.hear({ kind: 'dispatch', ...order(over) }))).toMatchObject([
    { kind: 'duplicate', phase: 'TOMBSTONE' },
  ]);
  agent.now = 9_000;
  expect(agent.happen({ kind: 'timer', timer: 'deadline' })).toMatchObject([{ kind: 'end', attempt: running }]);
});
