import { isTerminal, type Reason, type State } from './states.ts';

/** How far an issued attempt has come: sent to the agent, journaled there, its function running. */
export type Dispatch = 'SENT' | 'ACCEPTED' | 'STARTED';

/** One try of a task. A terminal attempt never changes again. */
export interface AttemptStatus {
  readonly state: State;
  readonly dispatch?: Dispatch | undefined;
  readonly reason?: Reason | undefined;
}

export type AttemptEvent =
  | { readonly kind: 'issued' }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'started' }
  | { readonly kind: 'result'; readonly ok: true }
  | {
      readonly kind: 'result';
      readonly ok: false;
      readonly reason: Reason;
      /** False where nobody asked for an end: then something on the host killed the script, and KILLED is a failure. */
      readonly canceled?: boolean;
    }
  | { readonly kind: 'withdrawn'; readonly reason: 'DEPENDENCY_FAILED' | 'USER_CANCEL' };

const rank: Record<Dispatch, number> = { SENT: 0, ACCEPTED: 1, STARTED: 2 };

/**
 * The attempt's next status, or undefined when the event changes nothing: a repeated or late message is a no-op, never
 * an error, because the wire may deliver it twice.
 */
export function stepAttempt(status: AttemptStatus, event: AttemptEvent): AttemptStatus | undefined {
  if (isTerminal(status.state)) return undefined;
  switch (event.kind) {
    case 'issued':
      return status.state === 'PENDING' ? { state: 'RUNNING', dispatch: 'SENT' } : undefined;
    case 'accepted':
      return advance(status, 'ACCEPTED');
    case 'started':
      return advance(status, 'STARTED');
    case 'result':
      // A result is taken in any non-terminal state: `started` may have been lost with a broken stream.
      if (event.ok) return { state: 'SUCCESSFUL', dispatch: 'STARTED' };
      return event.reason === 'KILLED' && event.canceled !== false
        ? { ...status, state: 'CANCELED', reason: 'USER_CANCEL' }
        : { ...status, state: 'FAILED', reason: event.reason };
    case 'withdrawn':
      break;
  }
  return status.state === 'PENDING' ? { state: 'CANCELED', reason: event.reason } : undefined;
}

function advance(status: AttemptStatus, dispatch: Dispatch): AttemptStatus | undefined {
  if (status.state !== 'RUNNING') return undefined;
  return rank[dispatch] > rank[status.dispatch ?? 'SENT'] ? { ...status, dispatch } : undefined;
}
