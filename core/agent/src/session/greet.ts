import { type Attempt, attemptId, attemptsDigest, inventoryOf, runningOf, wirePhase } from './attempts.ts';
import type { AgentSays, ServerSays } from './messages.ts';
import type { Effect, Link, SessionState, Step } from './state.ts';

type Welcome = Extract<ServerSays, { kind: 'welcome' }>;

/** A stream is open: say who we are and what we have. */
export function onConnected(state: SessionState, stream: number): Step {
  const inventory = inventoryOf(state.attempts);
  const told = new Map(inventory.map((entry) => [attemptId(entry.attempt), entry.phase]));
  const link: Link = { stream, phase: 'GREETING', told, refused: new Map(), held: [], beat: 0, beats: new Map() };
  const { installId, epoch } = state.fence;
  const hello: AgentSays = { kind: 'hello', installId, maxEpochSeen: epoch, inventory };
  return [{ ...state, link }, [{ kind: 'send', stream, message: hello }]];
}

/** The server answers. A server of another installation or of an older epoch is not obeyed. */
export function onWelcome(state: SessionState, link: Link, welcome: Welcome, now: number): Step {
  if (link.phase !== 'GREETING') return [state, []];
  const { fence } = state;
  const foreign = fence.installId !== '' && fence.installId !== welcome.installId;
  // An epoch that is still on its way to the disk counts: a lower one must not slip in before it is there.
  const seen = Math.max(fence.epoch, state.savingEpoch ?? 0);
  if (foreign || welcome.epoch < seen) {
    const reason = foreign
      ? `another installation (${welcome.installId}) answered; this agent joined ${fence.installId}`
      : `stale_epoch: the server says epoch ${welcome.epoch}, this agent has seen ${seen}`;
    return [
      { ...state, link: undefined },
      [
        { kind: 'close', stream: link.stream, reason },
        { kind: 'alert', message: `Refused to obey a server: ${reason}.` },
      ],
    ];
  }
  const sameEpoch = welcome.epoch === fence.epoch && welcome.installId === fence.installId;
  if (sameEpoch && welcome.sessionNo <= state.sessionNo) {
    const reason = `session ${welcome.sessionNo} is older than session ${state.sessionNo}`;
    return [{ ...state, link: undefined }, [{ kind: 'close', stream: link.stream, reason }]];
  }
  const welcomed: SessionState = {
    ...state,
    sessionNo: welcome.sessionNo,
    link: { ...link, welcome, phase: 'FENCING' },
  };
  if (sameEpoch) return goLive(welcomed, now);
  const saving: SessionState = { ...welcomed, savingEpoch: welcome.epoch };
  return [saving, [{ kind: 'saveFence', fence: { installId: welcome.installId, epoch: welcome.epoch } }]];
}

/**
 * The fence is on disk: the server is obeyed from here on. Tells what changed since Hello. What waits does not start
 * before the first heartbeat is answered: by then all is heard that the server had to say about it, such as a cancel.
 */
export function goLive(state: SessionState, now: number): Step {
  const { link } = state;
  if (link?.phase !== 'FENCING' || !link.welcome) return [state, []];
  const { stream } = link;
  const news: Effect[] = [];
  for (const attempt of state.attempts.values()) {
    const phase = wirePhase(attempt);
    if (phase === undefined || link.told.get(attemptId(attempt.ref)) === phase) continue;
    news.push({ kind: 'send', stream, message: announce(attempt) });
  }
  const live: SessionState = { ...state, link: { ...link, phase: 'LIVE', told: new Map(), held: [] } };
  const [next, effects] = onHeartbeatTimer(live, now);
  return [next, [...news, ...effects]];
}

function announce(attempt: Attempt): AgentSays {
  if (attempt.standing === 'EXITED' && attempt.result) {
    return { kind: 'result', attempt: attempt.ref, hash: attempt.hash, result: attempt.result };
  }
  if (attempt.standing === 'STARTED') return { kind: 'started', attempt: attempt.ref, pid: attempt.pid ?? 0 };
  return { kind: 'accepted', attempt: attempt.ref };
}

export function onHeartbeatTimer(state: SessionState, now: number): Step {
  const { link } = state;
  if (link?.phase !== 'LIVE' || !link.welcome) return [state, []];
  const n = link.beat + 1;
  const digest = attemptsDigest(state.attempts);
  const message: AgentSays = { kind: 'heartbeat', n, digest, running: runningOf(state.attempts) };
  return [
    { ...state, link: { ...link, beat: n, beats: new Map(link.beats).set(n, now) } },
    [
      { kind: 'send', stream: link.stream, message },
      { kind: 'schedule', timer: 'heartbeat', afterMs: link.welcome.heartbeatMs, jitter: 0.2 },
    ],
  ];
}
