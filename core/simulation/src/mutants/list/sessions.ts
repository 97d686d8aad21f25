import type { Mutant } from '../mutant.ts';

const folder = 'core/server/src/engine/sessions';

export const sessionsMutants: readonly Mutant[] = [
  {
    name: 'session-not-counted',
    file: `${folder}/hello.ts`,
    text: 'const sessionNo = host.sessionNo + 1;',
    replacement: 'const { sessionNo } = host;',
    breaks: 'Sessions of an agent cannot be told apart.',
  },
  {
    name: 'resent-to-a-new-journal',
    seed: 804,
    file: `${folder}/reconcile.ts`,
    text: `  SENT: {
    UNKNOWN: 'resend',
    UNKNOWN_NEW_JOURNAL: 'stateLost',`,
    replacement: `  SENT: {
    UNKNOWN: 'resend',
    UNKNOWN_NEW_JOURNAL: 'resend',`,
    breaks: 'An attempt is sent again to an agent that lost its journal, and may have run it.',
  },
  {
    name: 'issued-and-unknown-is-resent',
    seed: 61,
    file: `${folder}/reconcile.ts`,
    text: `  ISSUED: {
    UNKNOWN: 'recall',
    UNKNOWN_NEW_JOURNAL: 'stateLost',`,
    replacement: `  ISSUED: {
    UNKNOWN: 'resend',
    UNKNOWN_NEW_JOURNAL: 'resend',`,
    breaks: 'What an agent had accepted and lost with its journal is sent again.',
  },
  {
    name: 'acknowledged-results-not-asked-for',
    file: `${folder}/reconcile.ts`,
    text: `  ISSUED: {
    UNKNOWN: 'recall',`,
    replacement: `  ISSUED: {
    UNKNOWN: 'lost',`,
    breaks: 'A result that was acknowledged before a restore of the database counts as lost.',
  },
  {
    name: 'held-is-not-taken-over',
    seed: 5114,
    file: `${folder}/turn.ts`,
    text: `  turn.effects.push({ kind: 'held', hostId, stream, id, jobId: unissued.known.jobId });`,
    replacement: '',
    also: {
      file: `${folder}/reconcile.ts`,
      text: `  ISSUED: {
    UNKNOWN: 'recall',`,
      replacement: `  ISSUED: {
    UNKNOWN: 'lost',`,
    },
    breaks: 'What an agent had from before a restore of the database is withdrawn, and starts.',
  },
  {
    name: 'result-in-hello-ignored',
    seed: 9,
    file: `${folder}/reconcile.ts`,
    text: `    STARTED: 'started',
    EXITED: 'takeResult',
    TOMBSTONE: 'recall',
  },
  ENDED: {`,
    replacement: `    STARTED: 'started',
    EXITED: 'started',
    TOMBSTONE: 'recall',
  },
  ENDED: {`,
    breaks: 'A result that comes with Hello is not taken.',
  },
  {
    name: 'late-result-ignored',
    seed: 22,
    file: `${folder}/reconcile.ts`,
    text: `    STARTED: 'nothing',
    EXITED: 'recordLate',`,
    replacement: `    STARTED: 'nothing',
    EXITED: 'nothing',`,
    breaks: 'The result of what was given up is neither kept nor acknowledged.',
  },
  {
    name: 'sent-and-unknown-is-lost',
    file: `${folder}/reconcile.ts`,
    text: `  SENT: {
    UNKNOWN: 'resend',`,
    replacement: `  SENT: {
    UNKNOWN: 'lost',`,
    breaks: 'What was lost on its way to the agent counts as lost work.',
  },
  {
    name: 'sent-and-unknown-is-forgotten',
    file: `${folder}/reconcile.ts`,
    text: `  SENT: {
    UNKNOWN: 'resend',`,
    replacement: `  SENT: {
    UNKNOWN: 'nothing',`,
    breaks: 'What was lost on its way to the agent is never sent again.',
  },
  {
    name: 'silence-is-loss',
    file: `${folder}/step.ts`,
    text: 'if (silentMs <= lostAfterMs) return;',
    replacement: 'if (silentMs <= leaseMs) return;',
    breaks: 'A host that is out of reach for longer than its lease has lost its work.',
  },
  {
    name: 'silence-is-waited-out',
    seed: 45,
    file: `${folder}/step.ts`,
    text: '  giveUp(turn, host, silentMs);\n',
    replacement: '',
    breaks: 'Work of a host that never comes back is never given up.',
  },
  {
    name: 'silence-of-the-server-counts',
    seed: 98,
    file: `${folder}/step.ts`,
    text: `    standStill(state, event.now);
`,
    replacement: '',
    breaks: 'The time in which the server stood still counts as silence of its agents.',
  },
  {
    name: 'no-time-to-come-back',
    file: `${folder}/step.ts`,
    text: 'const lastSeenMs = now + leaseMs;',
    replacement: 'const lastSeenMs = now - state.terms.lostAfterMs - 1;',
    breaks: 'After a start of the server all hosts count as silent for long.',
  },
  {
    name: 'given-up-starts',
    seed: 95,
    file: `${folder}/reconcile.ts`,
    text: `  GIVEN_UP: {
    UNKNOWN: 'nothing',
    UNKNOWN_NEW_JOURNAL: 'nothing',
    ACCEPTED: 'cancel',`,
    replacement: `  GIVEN_UP: {
    UNKNOWN: 'nothing',
    UNKNOWN_NEW_JOURNAL: 'nothing',
    ACCEPTED: 'nothing',`,
    breaks: 'An attempt that was given up starts when its agent comes back.',
  },
  {
    name: 'cancel-not-said-again',
    seed: 128,
    file: `${folder}/turn.ts`,
    text: `      advance(turn, hostId, id, move === 'accepted' ? 'ACCEPTED' : 'STARTED');
      if (ending) cancel(ending);`,
    replacement: `      advance(turn, hostId, id, move === 'accepted' ? 'ACCEPTED' : 'STARTED');`,
    breaks: 'A cancel that was lost with its stream is not said again.',
  },
];
