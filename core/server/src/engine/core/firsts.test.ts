import { expect, test } from 'vitest';
import { firstTasks, issuedFirst } from './firsts.ts';
import { type SampleTask, SampleEngine, sampleJob } from './testing.ts';

function connected(...hosts: readonly string[]): SampleEngine {
  const engine = new SampleEngine();
  for (const host of hosts) {
    engine.knows(host);
    engine.hello(host);
  }
  engine.do({ kind: 'committed', commit: engine.state.commits.last });
  return engine;
}

const first = (engine: SampleEngine, tasks: readonly SampleTask[]) =>
  firstTasks(engine.state, sampleJob('next', tasks));

test('first are those that wait for no other task, as many as their hosts have room for', () => {
  const engine = connected('a', 'b');
  const tasks = [{ hostId: 'a' }, { hostId: 'a' }, { hostId: 'a' }, { hostId: 'b', after: [0] }, { hostId: 'b' }];
  expect(first(engine, tasks)).toEqual([0, 1, 4]);
});

test('a host that is away gets none before it is back', () => {
  const engine = connected('a');
  engine.knows('away');
  expect(first(engine, [{ hostId: 'away' }, { hostId: 'a' }, { hostId: 'unknown' }])).toEqual([1]);
});

test('none is first behind another job of its cluster', () => {
  const engine = connected('a');
  engine.do({ kind: 'queued', jobId: 'one', clusterId: 'c', position: 1 });
  expect(first(engine, [{ hostId: 'a' }])).toEqual([]);
});

test('the row of one says in which session it is issued, and by which envelope', () => {
  const engine = connected('a');
  const [attempt] = sampleJob('next', [{ hostId: 'a' }]).attempts;
  const { sessionNo, journalId } = engine.state.sessions.hosts.get('a')!;
  const how = { envelope: { attemptId: attempt!.id, hash: 'aa' }, at: new Date(5) };
  expect(issuedFirst(engine.state, attempt!, how)).toMatchObject({
    state: 'RUNNING',
    dispatch: 'SENT',
    envelopeHash: 'aa',
    epoch: 7,
    sessionNo,
    journalId,
    issuedAt: new Date(5),
  });
  expect(issuedFirst(connected('b').state, attempt!, how)).toBeUndefined();
});
