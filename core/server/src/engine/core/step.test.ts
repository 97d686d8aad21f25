import { describe, expect, test } from 'vitest';
import type { JobRow } from '../../database/entities.ts';
import type { AttemptResult } from '../sessions/messages.ts';
import { failed } from '../sessions/outcomes.ts';
import type { Happening } from './events.ts';
import { greeting, said, SampleEngine, sampleJob, sent, succeeded } from './testing.ts';

const attemptId = 'one.0/1';
const built: Happening = { kind: 'prepared', envelopes: [{ attemptId, hash: 'aa' }] };
const result = (id = attemptId): Happening => ({
  kind: 'message',
  hostId: 'h',
  stream: 1,
  message: { kind: 'result', id, hash: 'aa', result: succeeded },
});

function connected(): SampleEngine {
  const engine = new SampleEngine();
  engine.knows('h');
  engine.hello('h');
  engine.do({ kind: 'committed', commit: engine.state.commits.last });
  return engine;
}

test('a job that is canceled before anything of it ran is written as canceled, and as asked to be', () => {
  const engine = connected();
  engine.do({ kind: 'queued', jobId: 'one', clusterId: 'c', position: 1 });
  engine.do({ kind: 'cancel', jobId: 'one' });
  const effects = engine.do({ kind: 'loaded', job: sampleJob('one', [{ hostId: 'h' }]) });
  const change = effects.flatMap((effect) => (effect.kind === 'commit' ? [effect.change] : []));
  expect(change.flatMap(({ jobs = [] }) => jobs)).toMatchObject([{ state: 'CANCELED', cancelRequested: true }]);
});

describe('nobody hears of what is not durable', () => {
  test('a task is sent after the commit that says so, and its end acknowledged after the commit of that', () => {
    const engine = connected();
    expect(said(engine.reads(sampleJob('one', [{ hostId: 'h' }])))).toEqual(['prepare one.0/1']);
    expect(said(engine.do(built))).toEqual(['commit 2, one.0/1 SENT']);
    expect(said(engine.do({ kind: 'committed', commit: 2 }))).toEqual(['dispatch one.0/1']);
    const accepted: Happening = {
      kind: 'message',
      hostId: 'h',
      stream: 1,
      message: { kind: 'accepted', id: attemptId },
    };
    expect(said(engine.do(accepted))).toEqual(['abandon one.0/1', 'commit 3 lazily, one.0/1 ACCEPTED']);
    expect(said(engine.do(result()))).toEqual(['release one', 'log: Job finished', 'commit 4, one.0/1 SUCCESSFUL']);
    expect(said(engine.do({ kind: 'committed', commit: 4 }))).toEqual(['resultAck one.0/1', 'over one']);
    expect(engine.state.sessions.hosts.get('h')?.issued.size).toBe(0);
  });

  test('a result that comes again before its commit is acknowledged after that, once for each time', () => {
    const engine = connected();
    engine.reads(sampleJob('one', [{ hostId: 'h' }]));
    engine.do(built);
    engine.do({ kind: 'committed', commit: 2 });
    engine.do(result());
    expect(said(engine.do(result()))).toEqual([]);
    expect(said(engine.do({ kind: 'committed', commit: 3 }))).toEqual([
      'resultAck one.0/1',
      'over one',
      'resultAck one.0/1',
    ]);
  });

  test('the result of an attempt that is not on record is acknowledged once it is recorded', () => {
    const engine = connected();
    expect(said(engine.do(result('stray.0/1')))).toEqual([
      'alert: A result came for an attempt that is not on record',
      'commit 2',
    ]);
    expect(said(engine.do({ kind: 'committed', commit: 2 }))).toEqual(['resultAck stray.0/1']);
  });

  test('what the database refuses is never acknowledged', () => {
    const engine = connected();
    engine.reads(sampleJob('one', [{ hostId: 'h' }]));
    engine.do(built);
    engine.do({ kind: 'committed', commit: 2 });
    engine.do(result());
    expect(said(engine.do({ kind: 'refused', commit: 3 }))).toEqual([expect.stringContaining('log: The database')]);
    expect(said(engine.do({ kind: 'committed', commit: 3 }))).toEqual([]);
  });

  test('a result and the dispatch of what it makes ready share a commit when the envelope is there', () => {
    const engine = connected();
    engine.reads(sampleJob('one', [{ hostId: 'h' }, { hostId: 'h', after: [0] }]));
    engine.do(built);
    engine.do({ kind: 'committed', commit: 2 });
    expect(said(engine.do(result()))).toEqual(['abandon one.0/1', 'prepare one.1/1', 'commit 3, one.0/1 SUCCESSFUL']);
    expect(said(engine.do({ kind: 'prepared', envelopes: [{ attemptId: 'one.1/1', hash: 'bb' }] }))).toEqual([
      'commit 4, one.1/1 SENT',
    ]);
    expect(said(engine.do({ kind: 'committed', commit: 4 }))).toEqual(['resultAck one.0/1', 'dispatch one.1/1']);
  });

  test('a job whose end is not durable yet is not read from its old rows', () => {
    const engine = connected();
    engine.reads(sampleJob('one', [{ hostId: 'h' }]));
    engine.do(built);
    engine.do({ kind: 'committed', commit: 2 });
    engine.do(result());
    const queued: Happening = { kind: 'queued', jobId: 'one', clusterId: 'c', position: 1 };
    expect(said(engine.do(queued))).toEqual([]);
    engine.do({ kind: 'committed', commit: 3 });
    expect(said(engine.do(queued))).toEqual(['load one']);
  });

  test('nor from those it was stored with, when it ended before its storing was answered', () => {
    const engine = connected();
    const { row, tasks } = sampleJob('one', [{ hostId: 'h' }]);
    engine.reads(sampleJob('one', [{ hostId: 'h' }]));
    engine.do({ kind: 'cancel', jobId: 'one' });
    expect(said(engine.do({ kind: 'stored', row, tasks }))).toEqual([]);
  });

  test('a cancel while the dispatch is on its way to the database reaches the agent instead of it', () => {
    const engine = connected();
    engine.reads(sampleJob('one', [{ hostId: 'h' }]));
    engine.do(built);
    expect(said(engine.do({ kind: 'cancel', jobId: 'one' }))).toEqual(['commit 3']);
    expect(said(engine.do({ kind: 'committed', commit: 3 }))).toEqual(['cancel one.0/1']);
  });
});

describe('a job that was stored just now', () => {
  const storedJob = (id: string, position: number): Happening => {
    const { row, tasks } = sampleJob(id, [{ hostId: 'h' }], { position });
    return { kind: 'stored', row, tasks };
  };

  test('runs from the rows that were handed over', () => {
    const engine = connected();
    expect(said(engine.do(storedJob('one', 1)))).toEqual(['prepare one.0/1']);
    expect(said(engine.do(built))).toEqual(['commit 2, one.0/1 SENT']);
  });

  test('is sent at once where it was stored as issued, and who listens hears of that with the next commit', () => {
    const engine = connected();
    const { row, tasks, attempts } = sampleJob('one', [
      { hostId: 'h', attempt: sent },
      { hostId: 'h', after: [0] },
    ]);
    const issued = [{ attempt: attempts[0]!, envelope: { attemptId, hash: 'aa' } }];
    const effects = engine.do({ kind: 'stored', row, tasks, issued });
    expect(said(effects)).toEqual(['dispatch one.0/1', 'commit 2 lazily, one.0/1 SENT']);
    const told = effects.flatMap((effect) => (effect.kind === 'commit' ? (effect.change.events ?? []) : []));
    expect(told.map(({ payload }) => payload)).toMatchObject([
      { kind: 'task', state: 'RUNNING', dispatch: 'SENT' },
      { kind: 'job', state: 'RUNNING' },
    ]);
    expect(said(engine.do(result()))).toEqual(['abandon one.0/1', 'prepare one.1/1', 'commit 3, one.0/1 SUCCESSFUL']);
  });

  test('waits for its host where that has another session than it was stored for', () => {
    const engine = connected();
    engine.do({ kind: 'closed', hostId: 'h', stream: 1 } as Happening);
    const { row, tasks, attempts } = sampleJob('one', [{ hostId: 'h', attempt: sent }]);
    const issued = [{ attempt: attempts[0]!, envelope: { attemptId, hash: 'aa' } }];
    expect(said(engine.do({ kind: 'stored', row, tasks, issued }))).not.toContain('dispatch one.0/1');
    expect(said(engine.hello('h', 2))).toContain('dispatch one.0/1');
  });

  test('is not taken twice when it was in the queue already, and is run from the rows that come first', () => {
    const engine = connected();
    engine.do({ kind: 'queued', jobId: 'one', clusterId: 'c', position: 1 });
    expect(said(engine.do(storedJob('one', 1)))).toEqual([]);
    expect(said(engine.do({ kind: 'loaded', job: sampleJob('one', [{ hostId: 'h' }]) }))).toEqual(['prepare one.0/1']);
    expect(said(engine.do(storedJob('one', 1)))).toEqual([]);
  });

  test('waits behind another, and its rows with it: they are read when it is its turn', () => {
    const engine = connected();
    engine.do(storedJob('one', 1));
    expect(said(engine.do(storedJob('two', 2)))).toEqual([]);
    expect([...engine.state.jobs.keys()]).toEqual(['one']);
    expect(said(engine.do({ kind: 'cancel', jobId: 'one' }))).toContain('load two');
  });
});

describe('after a restart', () => {
  test('what was sent and never arrived is built again and sent', () => {
    const engine = new SampleEngine();
    engine.knows('h');
    expect(said(engine.reads(sampleJob('one', [{ hostId: 'h', attempt: sent }])))).toEqual([]);
    expect(said(engine.hello('h'))).toEqual(['welcome', 'prepare one.0/1', 'watch h', 'commit 1']);
    expect(said(engine.do(built))).toEqual(['dispatch one.0/1']);
  });

  test('an envelope that would be another now is given up, not sent', () => {
    const engine = new SampleEngine();
    engine.knows('h');
    engine.reads(sampleJob('one', [{ hostId: 'h', attempt: sent }]));
    engine.hello('h');
    expect(said(engine.do({ kind: 'prepared', envelopes: [{ attemptId, hash: 'bb' }] }))).toContain(
      'commit 2, one.0/1 LOST',
    );
  });

  test('a newer stream is sent the envelope once, an older one nothing', () => {
    const engine = new SampleEngine();
    engine.knows('h');
    engine.reads(sampleJob('one', [{ hostId: 'h', attempt: sent }]));
    engine.hello('h', 1);
    engine.do({ kind: 'closed', hostId: 'h', stream: 1, clean: false });
    expect(said(engine.do(built))).toEqual([]);
    expect(said(engine.hello('h', 2))).toContain('dispatch one.0/1');
  });

  test('the end of a configure waits until it is known again what was written', () => {
    const engine = new SampleEngine();
    engine.knows('h');
    engine.reads(sampleJob('one', [{ hostId: 'h', phase: 'configure', attempt: { ...sent, dispatch: 'STARTED' } }]));
    engine.hello('h', 1, { inventory: [{ id: attemptId, hash: 'aa', phase: 'STARTED', result: undefined }] });
    expect(said(engine.do(result()))).toEqual(['prepare one.0/1']);
    // Its host may even leave meanwhile: the result is here and counts.
    expect(said(engine.do({ kind: 'hostRemoved', hostId: 'h' })).join()).not.toContain('LOST');
    const effects = engine.do({
      kind: 'prepared',
      envelopes: [{ attemptId, hash: 'aa', values: { 'zoo.cfg': { port: 1 } } }],
    });
    const commit = effects.find((effect) => effect.kind === 'commit');
    expect(commit?.change.components).toMatchObject([{ configured: { appliedValues: { 'zoo.cfg': { port: 1 } } } }]);
    expect(said(engine.do({ kind: 'committed', commit: 99 }))).toContain('resultAck one.0/1');
  });

  describe('a configure that does not succeed', () => {
    const hostComponent = { id: 'one.0', applied: { 'zoo.cfg': 'old', 'log.xml': 'same', gone: 'x' } };
    const snapshot = (hostComponents: readonly object[]) =>
      ({
        services: [{ name: 'zookeeper', hostComponents }],
        leaving: [],
        files: { 'one.0': { 'zoo.cfg': 'new', 'log.xml': 'same' } },
      }) as unknown as JobRow['snapshot'];
    /** What is written about host components when it ends. */
    const written = (hostComponents: readonly object[], dispatch: 'STARTED' | 'ACCEPTED', end: Happening) => {
      const engine = new SampleEngine();
      engine.knows('h');
      const task = {
        hostId: 'h',
        phase: 'configure' as const,
        attempt: { ...sent, dispatch, startedAt: dispatch === 'STARTED' ? new Date(0) : null },
      };
      engine.reads(sampleJob('one', [task], { snapshot: snapshot(hostComponents) }));
      engine.hello('h', 1, { inventory: [{ id: attemptId, hash: 'aa', phase: dispatch, result: undefined }] });
      const commits = engine.do(end).filter((effect) => effect.kind === 'commit');
      return commits.flatMap(({ change }) => change.components ?? []);
    };
    const ends = (told: AttemptResult): Happening => ({
      kind: 'message',
      hostId: 'h',
      stream: 1,
      message: { kind: 'result', id: attemptId, hash: 'aa', result: told },
    });

    test('may have written any of its files: what they are is not known any more', () => {
      expect(written([hostComponent], 'STARTED', ends(failed('EXIT_NONZERO', '')))).toEqual([
        { id: 'one.0', configured: { applied: { 'zoo.cfg': '', 'log.xml': '', gone: '' } } },
      ]);
    });

    test('leaves a host component that never had files without any', () => {
      expect(written([{ id: 'one.0' }], 'STARTED', ends(failed('EXIT_NONZERO', '')))).toEqual([]);
    });

    test('changes nothing when it never ran, but may have when that is not known', () => {
      expect(written([hostComponent], 'ACCEPTED', ends(failed('USER_CANCEL', '')))).toEqual([]);
      expect(written([hostComponent], 'ACCEPTED', { kind: 'hostRemoved', hostId: 'h' })).toHaveLength(1);
    });
  });

  test('an attempt on a host that was removed while no server ran is given up', () => {
    const engine = new SampleEngine();
    expect(said(engine.reads(sampleJob('one', [{ hostId: 'gone', attempt: sent }])))).toContain(
      'commit 1, one.0/1 LOST',
    );
  });

  test('an attempt that a rebooted host has forgotten says so', () => {
    const engine = new SampleEngine();
    engine.knows('h');
    engine.reads(sampleJob('one', [{ hostId: 'h', attempt: { ...sent, dispatch: 'ACCEPTED' } }]));
    expect(said(engine.hello('h', 1, { hostBootId: 'another' }))).toContain('recall one.0/1');
    const forgotten = { kind: 'forgotten', id: attemptId } as const;
    expect(said(engine.do({ kind: 'message', hostId: 'h', stream: 1, message: forgotten }))).toContain(
      'commit 2, one.0/1 HOST_REBOOTED',
    );
  });
});

describe('after the database was restored from a backup', () => {
  const held = (phase: 'ACCEPTED' | 'EXITED') => ({
    hello: { ...greeting, inventory: [{ id: attemptId, hash: 'aa', phase, result: succeeded }] },
    known: new Map([[attemptId, { row: 'PENDING' as const, jobId: 'one' }]]),
  });
  const says = (engine: SampleEngine, phase: 'ACCEPTED' | 'EXITED') =>
    engine.do({ kind: 'hello', hostId: 'h', stream: 1, ...held(phase) });

  test('what waits here and is there is taken over, and its cancel waits for the agent', () => {
    const engine = new SampleEngine();
    engine.knows('h');
    engine.reads(sampleJob('one', [{ hostId: 'g' }, { hostId: 'h', after: [0] }], {}, (node) => `one.${1 - node}`));
    expect(said(says(engine, 'ACCEPTED'))).toContain('commit 1, one.0/1 SENT');
    expect(said(engine.do({ kind: 'committed', commit: 1 }))).toEqual(['commit 2 lazily, one.0/1 ACCEPTED']);
    expect(said(engine.do({ kind: 'cancel', jobId: 'one' }))).toEqual(['commit 3, one.1/1 USER_CANCEL']);
    expect(said(engine.do({ kind: 'committed', commit: 3 }))).toEqual(['cancel one.0/1']);
    const killed = { kind: 'result', id: attemptId, hash: 'aa', result: failed('KILLED', 'Canceled.') } as const;
    const ended = engine.do({ kind: 'message', hostId: 'h', stream: 1, message: killed });
    expect(said(ended)).toEqual(['release one', 'log: Job finished', 'commit 4, one.0/1 USER_CANCEL']);
  });

  test('a result of what waits here is taken, and nothing is run again', () => {
    const engine = new SampleEngine();
    engine.knows('h');
    engine.reads(sampleJob('one', [{ hostId: 'h' }]));
    expect(said(says(engine, 'EXITED'))).toContain('commit 1, one.0/1 SENT');
    expect(said(engine.do({ kind: 'committed', commit: 1 })).join()).toContain('one.0/1 SUCCESSFUL');
    expect(said(engine.do({ kind: 'committed', commit: 99 }))).toContain('resultAck one.0/1');
  });

  test('what belongs to a job whose turn has not come is taken over when it is read, also to be canceled', () => {
    const engine = new SampleEngine();
    engine.knows('h');
    engine.reads(sampleJob('other', [{ hostId: 'g' }]));
    engine.do({ kind: 'queued', jobId: 'one', clusterId: 'c', position: 2 });
    expect(said(says(engine, 'ACCEPTED')).join()).not.toContain('one.0/1');
    expect(said(engine.do({ kind: 'cancel', jobId: 'one' }))).toEqual(['load one']);
    const row = sampleJob('one', [{ hostId: 'h' }], { position: 2, cancelRequested: true });
    expect(said(engine.do({ kind: 'loaded', job: row }))).toEqual(['commit 2, one.0/1 SENT']);
    expect(said(engine.do({ kind: 'committed', commit: 2 }))).toEqual([
      'cancel one.0/1',
      'commit 3 lazily, one.0/1 ACCEPTED',
    ]);
  });

  test('what was withdrawn while the database was asked about it is ended at its agent', () => {
    const engine = new SampleEngine();
    engine.knows('h');
    engine.reads(sampleJob('one', [{ hostId: 'h' }]));
    engine.do({ kind: 'cancel', jobId: 'one' });
    expect(said(says(engine, 'ACCEPTED'))).toContain('cancel one.0/1');
  });
});

describe('hosts', () => {
  test('an attempt whose host is removed before its dispatch is durable is given up', () => {
    const engine = connected();
    engine.reads(sampleJob('one', [{ hostId: 'h' }]));
    engine.do(built);
    engine.do({ kind: 'hostRemoved', hostId: 'h' });
    expect(said(engine.do({ kind: 'committed', commit: 2 }))).toContain('commit 3, one.0/1 LOST');
  });

  test('a task that becomes ready for a removed host is given up with the next tick', () => {
    const engine = connected();
    engine.do({ kind: 'hostRemoved', hostId: 'h' });
    engine.reads(sampleJob('one', [{ hostId: 'h' }]));
    expect(said(engine.passes(200))).toContain('commit 2, one.0/1 LOST');
  });

  test('an agent that lets an attempt run for too long is told of once; the attempt stays as it is', () => {
    const engine = connected();
    engine.reads(sampleJob('one', [{ hostId: 'h' }]));
    engine.do(built);
    engine.do({ kind: 'committed', commit: 2 });
    engine.do({ kind: 'message', hostId: 'h', stream: 1, message: { kind: 'started', id: attemptId } });
    let n = 0;
    const beats = (ms: number): string[] => {
      const heard: string[] = [];
      for (const until = engine.now + ms; engine.now < until;) {
        heard.push(...said(engine.passes(200)));
        engine.do({ kind: 'message', hostId: 'h', stream: 1, message: { kind: 'heartbeat', n: n++, digest: '' } });
      }
      return heard.filter((line) => line.startsWith('alert'));
    };
    // Its timeout, the grace of its end, and a lease.
    expect(beats(3000)).toEqual([]);
    expect(beats(3000)).toEqual([expect.stringContaining('longer than its timeout')]);
    expect(engine.state.jobs.get('one')?.tasks[0]?.state).toBe('RUNNING');
  });

  test('a row never goes back to an older session: later words carry the session they were said in', () => {
    const engine = connected();
    engine.reads(sampleJob('one', [{ hostId: 'h' }]));
    engine.do(built);
    engine.do({ kind: 'committed', commit: 2 });
    engine.hello('h', 2, { inventory: [{ id: attemptId, hash: 'aa', phase: 'STARTED', result: undefined }] });
    const [first] = engine.state.jobs.get('one')!.attempts;
    expect(first).toMatchObject({ sessionNo: 6, epoch: 7, dispatch: 'STARTED' });
    // What the superseded stream still says changes nothing.
    expect(engine.do(result())).toEqual([]);
  });

  test('a host that comes back after it was given up gets no second end', () => {
    const engine = connected();
    engine.reads(sampleJob('one', [{ hostId: 'h' }]));
    engine.do(built);
    engine.do({ kind: 'committed', commit: 2 });
    engine.do({ kind: 'closed', hostId: 'h', stream: 1, clean: false });
    expect(said(engine.passes(5200)).filter((line) => line.includes('LOST'))).toHaveLength(1);
    engine.do({ kind: 'committed', commit: 99 });
    const exited = { id: attemptId, hash: 'aa', phase: 'EXITED' as const, result: succeeded };
    const effects = engine.do({
      kind: 'hello',
      hostId: 'h',
      stream: 2,
      hello: { ...greeting, inventory: [exited] },
      known: new Map([[attemptId, { row: 'GIVEN_UP' as const, jobId: 'one' }]]),
    });
    const commit = effects.find((effect) => effect.kind === 'commit');
    expect(commit?.change).toMatchObject({ attempts: [], late: [{ id: attemptId }] });
  });
});
