import type { Mutant } from '../mutant.ts';

const folder = 'core/agent/src/session';

/** What an agent does not name is asked for before it is given up: that heals what its inventory leaves out. */
const asksNothingBack = {
  file: 'core/server/src/engine/sessions/reconcile.ts',
  text: `  ISSUED: {
    UNKNOWN: 'recall',`,
  replacement: `  ISSUED: {
    UNKNOWN: 'lost',`,
};

export const sessionMutants: readonly Mutant[] = [
  {
    name: 'fence-not-saved',
    seed: 278,
    file: `${folder}/greet.ts`,
    text: 'if (sameEpoch) return goLive(welcomed, now);',
    replacement: 'if (sameEpoch || welcome.epoch > 0) return goLive(welcomed, now);',
    breaks: 'A server of a new epoch is obeyed, and the epoch is not on disk.',
  },
  {
    name: 'started-without-a-lease',
    seed: 14,
    file: `${folder}/lease.ts`,
    text: 'return lease !== undefined && now < startUntil(lease);',
    replacement: 'return lease !== undefined;',
    breaks: 'Attempts start when the lease has run out.',
  },
  {
    name: 'accepted-before-the-journal',
    seed: 104,
    file: `${folder}/dispatch.ts`,
    text: 'return [{ ...state, attempts: new Map(state.attempts).set(id, attempt) }, [journal]];',
    replacement: `return [
    { ...state, attempts: new Map(state.attempts).set(id, attempt) },
    [journal, { kind: 'send', stream, message: { kind: 'accepted', attempt: order.attempt } }],
  ];`,
    breaks: 'A command is accepted before it is on disk.',
  },
  {
    name: 'results-not-in-hello',
    seed: 9,
    file: `${folder}/attempts.ts`,
    text: 'if (phase) entries.push(',
    replacement: `if (phase && phase !== 'EXITED') entries.push(`,
    also: asksNothingBack,
    breaks: 'A result that was told once is not told again after the stream broke.',
  },
  {
    name: 'running-not-in-hello',
    file: `${folder}/attempts.ts`,
    text: `return attempt.standing === 'JOURNALING' ? undefined : wirePhases[attempt.standing];`,
    replacement: `return attempt.standing === 'JOURNALING' || attempt.standing === 'STARTED' ? undefined : wirePhases[attempt.standing];`,
    also: asksNothingBack,
    breaks: 'What runs is not in the inventory.',
  },
  {
    name: 'news-of-the-greeting-lost',
    seed: 25,
    file: `${folder}/greet.ts`,
    text: 'if (phase === undefined || link.told.get(attemptId(attempt.ref)) === phase) continue;',
    replacement: 'if (phase !== undefined) continue;',
    breaks: 'What happened between Hello and Welcome is never told.',
  },
  {
    name: 'no-timeout',
    file: `${folder}/run.ts`,
    text: `if (attempt.standing !== 'STARTED' || attempt.ending || attempt.endBy === undefined || now < attempt.endBy)`,
    replacement: `if (attempt.standing !== 'WAITING' || attempt.ending || attempt.endBy === undefined || now < attempt.endBy)`,
    breaks: 'Nobody ends what runs for too long.',
  },
  {
    name: 'cancel-of-the-running-ignored',
    seed: 19,
    file: `${folder}/cancel.ts`,
    text: '      if (attempt.ending) return [state, reply];',
    replacement: '      if (attempt.ending || graceMs >= 0) return [state, reply];',
    breaks: 'A cancel is answered, and the script runs on.',
  },
  {
    name: 'cancel-of-the-waiting-ignored',
    seed: 128,
    file: `${folder}/run.ts`,
    text: `if (attempt.canceled) return unstarted('KILLED', 'Canceled before it was started.');`,
    replacement: `if (attempt.canceled && now < 0) return unstarted('KILLED', 'Canceled before it was started.');`,
    breaks: 'A cancel of what waits for its start is answered, and it starts.',
  },
  {
    name: 'result-settled-unasked',
    seed: 115,
    file: `${folder}/run.ts`,
    text: `return [exited, tell(state, { kind: 'result', attempt: ref, hash: attempt.hash, result })];`,
    replacement: `return [exited, [...tell(state, { kind: 'result', attempt: ref, hash: attempt.hash, result }), { kind: 'settle', attempt: ref }]];`,
    also: {
      file: `${folder}/recall.ts`,
      text: '  if (!kept) return [state,',
      replacement: '  if (!kept || state.attempts.size >= 0) return [state,',
    },
    breaks: 'A result is forgotten on disk once it was told, and is not found when it is asked for.',
  },
  {
    name: 'lease-from-the-ack',
    file: `${folder}/step.ts`,
    text: 'return startWaiting(renew(state, link, message), now);',
    replacement:
      'return startWaiting({ ...renew(state, link, message), lease: { from: now, leaseMs: message.leaseMs } }, now);',
    breaks: 'The lease counts from the arrival of the answer, not from the sending of the heartbeat.',
  },
  {
    name: 'beside-the-attempt-before',
    seed: 105,
    file: `${folder}/dispatch.ts`,
    text: `if (other && other.standing !== 'EXITED') {`,
    replacement: `if (other && other.standing === 'JOURNALING') {`,
    breaks: 'A new attempt is taken while an older one of its task runs.',
  },
];
