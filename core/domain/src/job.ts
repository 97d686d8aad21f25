import type { State } from './states.ts';

/** How many tasks of a job are in each state. */
export type TaskCounts = Readonly<Record<State, number>>;

/**
 * The state of a job, derived from its tasks. A job is terminal only when nothing of it runs or waits, so that the
 * next job of the cluster never overlaps it.
 */
export function jobState(counts: TaskCounts): State {
  if (counts.RUNNING > 0) return 'RUNNING';
  if (counts.PENDING > 0) return counts.SUCCESSFUL + counts.FAILED + counts.CANCELED > 0 ? 'RUNNING' : 'PENDING';
  if (counts.FAILED > 0) return 'FAILED';
  return counts.CANCELED > 0 ? 'CANCELED' : 'SUCCESSFUL';
}

/**
 * Whether a job waits for its operator after the first batch of those that take turns: it is to, it does, or it has been
 * resumed.
 */
export type Pause = 'AHEAD' | 'PAUSED' | 'RESUMED';

export const noTasks: TaskCounts = { PENDING: 0, RUNNING: 0, SUCCESSFUL: 0, FAILED: 0, CANCELED: 0 };
