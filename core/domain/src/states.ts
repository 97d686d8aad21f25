/** The five states of a job, a task and an attempt. There are no others. */
export const STATES = ['PENDING', 'RUNNING', 'SUCCESSFUL', 'FAILED', 'CANCELED'] as const;
export type State = (typeof STATES)[number];

export type TerminalState = Extract<State, 'SUCCESSFUL' | 'FAILED' | 'CANCELED'>;

export function isTerminal(state: State): state is TerminalState {
  return state === 'SUCCESSFUL' || state === 'FAILED' || state === 'CANCELED';
}

/** Why an attempt, task or job ended other than SUCCESSFUL. */
export const REASONS = [
  'EXIT_NONZERO',
  'TIMEOUT',
  'LOST',
  'HOST_REBOOTED',
  'AGENT_STATE_LOST',
  'KILLED',
  'ARTIFACT_INTEGRITY',
  'PACKAGE_UNAVAILABLE',
  'SPOOL_FULL',
  'EXPIRED_BEFORE_START',
  'DEPENDENCY_FAILED',
  'USER_CANCEL',
] as const;
export type Reason = (typeof REASONS)[number];
