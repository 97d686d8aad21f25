import type { AgentMessage } from '@stackyard/proto';
import { expect, test } from 'vitest';
import { isNews, withoutOvertaken } from './news.ts';

const attempt = (taskId: string) => ({ taskId, number: 1 });
const accepted = (taskId: string): AgentMessage => ({
  dispatchReply: { attempt: attempt(taskId), answer: 'DISPATCH_ANSWER_ACCEPTED' },
});
const started = (taskId: string): AgentMessage => ({ started: { attempt: attempt(taskId), pid: 1 } });
const result = (taskId: string): AgentMessage => ({ result: { attempt: attempt(taskId) } });

test('what a result in the same frame says anyway is left out, of that attempt only', () => {
  const refused: AgentMessage = {
    dispatchReply: { attempt: attempt('a'), answer: 'DISPATCH_ANSWER_REFUSED', reason: 'SPOOL_FULL' },
  };
  const all = [accepted('a'), accepted('b'), started('a'), { heartbeat: { n: 1 } }, refused, result('a'), started('b')];
  expect(withoutOvertaken(all)).toEqual([accepted('b'), { heartbeat: { n: 1 } }, refused, result('a'), started('b')]);
});

test('without a result nothing is left out, and only news may wait', () => {
  const all = [accepted('a'), started('a')];
  expect(withoutOvertaken(all)).toEqual(all);
  expect([...all, result('a'), { heartbeat: { n: 1 } }].map(isNews)).toEqual([true, true, false, false]);
});
