import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { jobState, noTasks, stepAttempt, type AttemptStatus } from './index.ts';

test('the example of the README is the one that is run here', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const own = readFileSync(new URL(import.meta.url), 'utf8');
  const example = own.split('  // example\n')[1]!.replace(/^ {2}/gm, '');
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``);
  // example
  let attempt: AttemptStatus = { state: 'PENDING' };
  attempt = stepAttempt(attempt, { kind: 'issued' }) ?? attempt; // RUNNING, dispatch SENT
  attempt = stepAttempt(attempt, { kind: 'result', ok: true }) ?? attempt; // taken although `started` was lost
  expect(attempt.state).toBe('SUCCESSFUL');
  const late = stepAttempt(attempt, { kind: 'result', ok: false, reason: 'TIMEOUT' });
  expect(late).toBeUndefined(); // a terminal attempt never changes: late messages are no-ops

  expect(jobState({ ...noTasks, SUCCESSFUL: 2, RUNNING: 1 })).toBe('RUNNING');
  expect(jobState({ ...noTasks, SUCCESSFUL: 2, FAILED: 1 })).toBe('FAILED');
  // example
});
