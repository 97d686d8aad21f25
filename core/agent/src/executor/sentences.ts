/** What is told of attempts that left no result of their own. */
export interface Silence {
  readonly reason: string;
  readonly message: string;
}

export const rebooted: Silence = {
  reason: 'HOST_REBOOTED',
  message: 'The host was restarted before the task had ended. Retry the task.',
};

export const unreadableResult: Silence = {
  reason: 'LOST',
  message: 'Its result was written, but cannot be read any more. Look at the disk of the host, then retry the task.',
};

export const unreadableDecision: Silence = {
  reason: 'LOST',
  message: 'Whether it was started cannot be read any more. Look at the disk of the host, then retry the task.',
};

/** What it means that the process is gone and left no result. */
export function silenceOf(ending: string | undefined): Silence {
  if (ending !== undefined) return { reason: ending, message: endingMessage(ending) };
  const message = 'Its process ended without leaving a result; it was killed from outside. Retry the task.';
  return { reason: 'LOST', message };
}

/** The sentence for an attempt that the agent ended. */
export function endingMessage(reason: string): string {
  return reason === 'TIMEOUT' ? 'It ran longer than its time limit and was ended.' : 'It was canceled and ended.';
}
