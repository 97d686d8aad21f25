import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Accepted, Decision, EntryOnDisk, ExitRecord } from './records.ts';
import { judge, type Verdict } from './judge.ts';

const accepted: Accepted = { taskId: 't', number: 1, hash: 'h', bootId: 'boot', acceptedAt: 0, acceptedMono: 0 };
const run: Decision = {
  verdict: 'run',
  by: 'runner',
  pid: 7,
  startTime: 8,
  bootId: 'boot',
  cookie: 'c',
  decidedAt: 0,
  decidedMono: 0,
};
const abort: Decision = { ...run, verdict: 'abort', by: 'agent' };
const exit: ExitRecord = { exitCode: 0, startedAt: 0, durationMs: 1 };
const fresh: EntryOnDisk = { accepted, tryNumber: 0, decision: 'none', exit: 'none', ending: undefined };
const now = { bootId: 'boot', runnerAlive: false };

type Row = [name: string, entry: Partial<EntryOnDisk>, observation: Partial<typeof now>, verdict: Partial<Verdict>];
const rows: Row[] = [
  ['accepted, nothing decided', {}, {}, { kind: 'fence', tryNumber: 1 }],
  ['first try aborted', { tryNumber: 1, decision: abort }, {}, { kind: 'fence', tryNumber: 2 }],
  ['running', { tryNumber: 1, decision: run }, { runnerAlive: true }, { kind: 'attach' }],
  ['gone without a result', { tryNumber: 1, decision: run }, {}, { kind: 'end', reason: 'LOST' }],
  [
    'gone while it was ended',
    { tryNumber: 1, decision: run, ending: 'TIMEOUT' },
    {},
    { kind: 'end', reason: 'TIMEOUT' },
  ],
  ['result there', { tryNumber: 1, decision: run, exit }, {}, { kind: 'report', exit }],
  ['result there, runner still ending', { decision: run, exit }, { runnerAlive: true }, { kind: 'report' }],
  ['result there, host restarted since', { decision: run, exit }, { bootId: 'new' }, { kind: 'report' }],
  ['host restarted before the start', {}, { bootId: 'new' }, { kind: 'end', reason: 'HOST_REBOOTED' }],
  ['host restarted while it ran', { decision: run }, { bootId: 'new' }, { kind: 'end', reason: 'HOST_REBOOTED' }],
  ['aborted, then host restarted', { decision: abort }, { bootId: 'new' }, { kind: 'end', reason: 'HOST_REBOOTED' }],
  ['decision damaged', { tryNumber: 1, decision: 'unreadable' }, {}, { kind: 'end', reason: 'LOST' }],
  [
    'result torn by a power loss',
    { decision: run, exit: 'unreadable' },
    { bootId: 'new' },
    { kind: 'end', reason: 'HOST_REBOOTED' },
  ],
  ['result damaged', { decision: run, exit: 'unreadable' }, {}, { kind: 'end', reason: 'LOST' }],
];

test.each(rows)('%s', (_name, entry, observation, verdict) => {
  expect(judge({ ...fresh, ...entry }, { ...now, ...observation })).toMatchObject(verdict);
});

test('an attempt may start only when no try so far was decided to run, in this boot, without a result, and the next is fenced', () => {
  const entries = fc.record({
    accepted: fc.constant(accepted),
    tryNumber: fc.nat(3),
    decision: fc.constantFrom<EntryOnDisk['decision']>('none', 'unreadable', run, abort),
    exit: fc.constantFrom('none' as const, 'unreadable' as const, exit),
    ending: fc.constantFrom(undefined, 'KILLED'),
  });
  const observations = fc.record({ bootId: fc.constantFrom('boot', 'new'), runnerAlive: fc.boolean() });
  fc.assert(
    fc.property(entries, observations, (entry, observation) => {
      const verdict = judge(entry, observation);
      const undecided = entry.decision === abort || entry.decision === 'none';
      const mayStart = undecided && entry.exit === 'none' && observation.bootId === 'boot';
      expect(verdict.kind === 'fence').toBe(mayStart);
      if (verdict.kind === 'fence') expect(verdict.tryNumber).toBe(entry.tryNumber + 1);
    }),
  );
});
