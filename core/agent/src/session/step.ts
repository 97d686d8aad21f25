import { onCancel, onResultAck, onTombstoned } from './cancel.ts';
import { onDispatch } from './dispatch.ts';
import { goLive, onConnected, onHeartbeatTimer, onWelcome } from './greet.ts';
import { renew } from './lease.ts';
import type { ServerSays } from './messages.ts';
import { onRecall, onRecalled } from './recall.ts';
import {
  endOverdue,
  nextDeadline,
  onExited,
  onJournaled,
  onNotJournaled,
  onPostponed,
  onStarted,
  startWaiting,
} from './run.ts';
import type { Effect, Link, SessionEvent, SessionState, Step } from './state.ts';

/**
 * The agent's half of the protocol: what a session does next when something happens. Pure: clock, disk, network and
 * runner are effects, so that the same code runs an agent, a fleet and a simulation.
 */
export function step(state: SessionState, event: SessionEvent): Step {
  const [next, effects] = react(state, event);
  if (next.attempts === state.attempts && event.kind !== 'timer') return [next, effects];
  return withDeadline(next, effects, event.now);
}

function react(state: SessionState, event: SessionEvent): Step {
  switch (event.kind) {
    case 'connected':
      return onConnected(state, event.stream);
    case 'disconnected':
      return state.link?.stream === event.stream ? [{ ...state, link: undefined }, []] : [state, []];
    case 'received':
      // What an earlier stream still delivers is dropped: the server has superseded it.
      return state.link?.stream === event.stream ? receive(state, state.link, event.message, event.now) : [state, []];
    case 'fenceSaved':
      return onFenceSaved(state, event);
    case 'journaled':
      return onJournaled(state, event.attempt, event.now);
    case 'notJournaled':
      return onNotJournaled(state, event.attempt, event.reason, event.message);
    case 'tombstoned':
      return onTombstoned(state, event.attempt);
    case 'recalled':
      return onRecalled(state, event.attempt, event.kept);
    case 'started':
      return onStarted(state, event.attempt, event.pid, event.now);
    case 'postponed':
      return onPostponed(state, event.attempt, event.now);
    case 'exited':
      return onExited(state, event.attempt, event.result);
    case 'timer':
      return event.timer === 'heartbeat' ? onHeartbeatTimer(state, event.now) : onDeadline(state, event.now);
  }
}

function receive(state: SessionState, link: Link, message: ServerSays, now: number): Step {
  if (message.kind === 'goaway') {
    const { retryAfterMs, reason } = message;
    return [{ ...state, link: undefined }, [{ kind: 'close', stream: link.stream, reason, retryAfterMs }]];
  }
  if (message.kind === 'welcome') return onWelcome(state, link, message, now);
  // Nothing is obeyed before the server has shown its epoch and the epoch is on disk.
  if (link.phase === 'GREETING') return [state, []];
  if (link.phase === 'FENCING') return [{ ...state, link: { ...link, held: [...link.held, message] } }, []];
  switch (message.kind) {
    case 'heartbeatAck':
      return startWaiting(renew(state, link, message), now);
    case 'dispatch':
      return onDispatch(state, link.stream, message, now);
    case 'resultAck':
      return onResultAck(state, message.attempt);
    case 'recall':
      return onRecall(state, link.stream, message.attempt);
    case 'cancel':
      return onCancel(state, message.attempt, message.graceMs, now);
  }
}

function onFenceSaved(state: SessionState, event: Extract<SessionEvent, { kind: 'fenceSaved' }>): Step {
  const { savingEpoch, ...rest } = state;
  const done = savingEpoch === undefined || savingEpoch <= event.fence.epoch;
  // Saves may be confirmed out of order; what was seen is never forgotten.
  const lower = event.fence.installId === state.fence.installId && event.fence.epoch < state.fence.epoch;
  const fence = lower ? state.fence : event.fence;
  const fenced: SessionState = { ...rest, fence, ...(done ? {} : { savingEpoch }) };
  const { link } = fenced;
  // Another stream may have opened meanwhile and shown another epoch: only its own fence lets a stream go on.
  if (link?.phase !== 'FENCING' || link.welcome?.epoch !== event.fence.epoch) return [fenced, []];
  let [next, effects] = goLive(fenced, event.now) as [SessionState, Effect[]];
  for (const message of link.held) {
    if (!next.link) break;
    const [after, more] = receive(next, next.link, message, event.now);
    next = after;
    effects = [...effects, ...more];
  }
  return [next, effects];
}

function onDeadline(state: SessionState, now: number): Step {
  // Forgetting the deadline has it scheduled anew, also when the timer came early.
  const [started, effects] = startWaiting({ ...state, deadline: undefined }, now);
  const [next, more] = endOverdue(started, now);
  return [next, [...effects, ...more]];
}

function withDeadline(state: SessionState, effects: readonly Effect[], now: number): Step {
  const deadline = nextDeadline(state);
  if (deadline === state.deadline) return [state, effects];
  const next = { ...state, deadline };
  if (deadline === undefined) return [next, effects];
  const afterMs = Math.max(0, deadline - now);
  return [next, [...effects, { kind: 'schedule', timer: 'deadline', afterMs, jitter: 0 }]];
}
