import type { AgentMessage } from '@stackyard/proto';

/** Whether a message only tells how far an attempt is: that it was taken, or runs. */
export function isNews({ dispatchReply, started }: AgentMessage): boolean {
  return Boolean(started) || dispatchReply?.answer === 'DISPATCH_ANSWER_ACCEPTED';
}

/** The messages without news of attempts whose result is among them: a result says all that they would. */
export function withoutOvertaken(messages: AgentMessage[]): AgentMessage[] {
  const ended = new Set<string>();
  for (const { result } of messages) if (result?.attempt) ended.add(nameOf(result.attempt));
  if (ended.size === 0) return messages;
  return messages.filter((message) => {
    const attempt = isNews(message) ? (message.started ?? message.dispatchReply)?.attempt : undefined;
    return !attempt || !ended.has(nameOf(attempt));
  });
}

function nameOf({ taskId, number }: { readonly taskId?: string; readonly number?: number }): string {
  return `${taskId}/${number}`;
}
