import type { Mutant } from '../mutant.ts';

const agent = 'core/agent/src/logs/step.ts';
const server = 'core/server/src/engine/logIntake.ts';

export const logMutants: readonly Mutant[] = [
  {
    name: 'gaps-accepted',
    seed: 40,
    file: server,
    text: 'if (known < 0 || log.complete)',
    replacement: 'if (log.complete)',
    breaks: 'What leaves a gap is appended to a log.',
  },
  {
    name: 'repeated-output-kept',
    file: server,
    text: 'const fresh = data.subarray(Math.min(known, data.length));',
    replacement: 'const fresh = data;',
    breaks: 'What comes twice stands in a log twice.',
  },
  {
    name: 'shorter-log-never-complete',
    seed: 29,
    file: server,
    text: 'complete: last }, append',
    replacement: 'complete: last && offset + data.length === end }, append',
    breaks: 'A log of which the agent has lost the end with the power is never complete.',
  },
  {
    name: 'delivered-when-sent',
    seed: 265,
    file: agent,
    text: 'const isDone = lastSent && owed <= 0 && total !== undefined && durable >= total;',
    replacement: 'const isDone = lastSent && total !== undefined;',
    breaks: 'A log counts as delivered before all of it was answered.',
  },
  {
    name: 'unanswered-output-not-sent-again',
    file: agent,
    text: `asked: 'NO', sent: state.acked, lastSent: false, owed: 0 });`,
    replacement: `asked: 'NO', lastSent: false, owed: 0 });`,
    also: {
      file: agent,
      text: `const isMoved = state.asked !== 'YES' || durable`,
      replacement: 'const isMoved = durable',
    },
    breaks: 'What was under way when its stream broke is not sent again.',
  },
  {
    name: 'answer-of-the-server-ignored',
    seed: 114,
    file: agent,
    text: 'sent: isMoved ? durable : state.sent,',
    replacement: 'sent: state.sent,',
    breaks: 'A server that holds less than before does not get the rest.',
  },
  {
    name: 'end-not-said-again',
    file: agent,
    text: `sent: state.acked, lastSent: false, owed: 0 });`,
    replacement: `sent: state.acked, owed: 0 });`,
    breaks: 'The end of a log that was lost with its stream is not said again.',
  },
];
