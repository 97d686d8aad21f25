import { expect, test } from 'vitest';
import { pendingAttempt } from '../core/job.ts';
import { fold } from './changes.ts';

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
