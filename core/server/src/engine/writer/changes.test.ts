import { expect, test } from 'vitest';
import { pendingAttempt } from '../core/job.ts';
import { fold, type NewEvent } from './changes.ts';

const attempt = pendingAttempt({ id: 't', jobId: 'j', hostId: 'h' }, 1);
const late = { id: attempt.id, late: { exitCode: 0, at: '2026-11-26T00:00:00.000Z' } };

test('an attempt and its late result in one commit are one change of its row', () => {
  const folded = fold([{ attempts: [{ ...attempt, state: 'FAILED', reason: 'LOST' }] }, { late: [late] }]);
  expect(folded.attempts).toEqual([{ ...attempt, state: 'FAILED', reason: 'LOST', late: late.late }]);
  expect(folded.late).toEqual([]);
});

test('a late result of an attempt that does not change otherwise is written by itself', () => {
  const folded = fold([{ attempts: [{ ...attempt, id: 't/2' }] }, { late: [late] }]);
  expect(folded.attempts).toEqual([{ ...attempt, id: 't/2' }]);
  expect(folded.late).toEqual([late]);
});

test('the last word on a row counts, and a host component that is removed is not changed as well', () => {
  const [first, last] = [
    { ...attempt, state: 'RUNNING' as const },
    { ...attempt, state: 'FAILED' as const },
  ];
  const folded = fold([
    {
      attempts: [first],
      components: [
        { id: 'c', once: ['format'] },
        { id: 'd', once: ['format'] },
      ],
    },
    { attempts: [{ ...attempt, id: 't/2' }], components: [{ id: 'c', desired: 'ABSENT', once: ['bootstrap'] }] },
    { attempts: [last], removed: [{ id: 'd' }] },
  ]);
  expect(folded.attempts).toEqual([last, { ...attempt, id: 't/2' }]);
  expect(folded.components).toEqual([{ id: 'c', desired: 'ABSENT', once: ['format', 'bootstrap'] }]);
});

test('events stand where the last of their key stood, and those without a key all stay', () => {
  const says = (name: string, key?: string): NewEvent => ({
    topic: 'host',
    clusterId: undefined,
    payload: { kind: 'host', hostId: 'h', name, change: 'joined' },
    ...(key !== undefined && { key }),
  });
  const any = says('any');
  const events = [says('a1', 'a'), any, says('b1', 'b'), says('a2', 'a'), any];
  expect(fold([{ events: events.slice(0, 3) }, { events: events.slice(3) }]).events).toEqual([
    any,
    says('b1', 'b'),
    says('a2', 'a'),
    any,
  ]);
});
