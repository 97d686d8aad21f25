import type { AttemptResult } from './messages.ts';

/** Results that the server itself gives to attempts of which no result can come. */
const nothingDone: AttemptResult = {
  reason: undefined,
  message: '',
  exitCode: 0,
  signal: '',
  startedAtMs: 0,
  durationMs: 0,
  logSize: 0,
  outputs: {},
  applied: {},
};

/** A failed attempt without any output of its own. */
export function failed(reason: NonNullable<AttemptResult['reason']>, message: string): AttemptResult {
  return { ...nothingDone, reason, message };
}

export const outcomes = {
  canceledBeforeStart: failed('KILLED', 'Canceled before it started.'),
  forgotten: failed(
    'LOST',
    'The agent no longer knows this attempt, so its outcome is unknown. Look at the host, then retry the job.',
  ),
  rebooted: failed(
    'HOST_REBOOTED',
    'The host was started anew and its agent no longer knows this attempt, so its outcome is unknown. Look at the host, then retry the job.',
  ),
  stateLost: failed(
    'AGENT_STATE_LOST',
    'The agent lost its journal (its spool directory was replaced), so the outcome is unknown. Look at the host, then retry the job.',
  ),
  hostRemoved: failed('LOST', 'The host was removed while the task ran, so the outcome is unknown.'),
} as const;

export function silentFor(ms: number): AttemptResult {
  const message = `The host has been silent for ${Math.round(ms / 1000)} s, so the outcome is unknown. Check the agent and the network of the host, then retry the job.`;
  return failed('LOST', message);
}
