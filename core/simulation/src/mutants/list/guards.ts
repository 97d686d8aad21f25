import type { Mutant } from '../mutant.ts';

const agent = 'core/agent/src';
const engine = 'core/server/src/engine';

/** Mistakes that nothing notices as long as a second guard stands behind them: both are taken away. */
export const guardMutants: readonly Mutant[] = [
  {
    name: 'early-cancel-not-buried',
    seed: 44,
    file: `${agent}/session/cancel.ts`,
    text: '    return bury(state, ref);',
    replacement: `    return [state, tell(state, { kind: 'cancelReply', attempt: ref, phase: 'TOMBSTONE' })];`,
    also: {
      file: `${engine}/sessions/turn.ts`,
      text: `      if (ending) cancel(ending);
      else turn.effects.push({ kind: 'dispatch', stream, hostId, id });`,
      replacement: `      if (ending) cancel(ending);
      turn.effects.push({ kind: 'dispatch', stream, hostId, id });`,
    },
    breaks: 'What was canceled before its command came starts, when the server sends that all the same.',
  },
  {
    name: 'superseded-is-heard',
    seed: 1693,
    file: `${engine}/sessions/step.ts`,
    text: 'if (host.link?.stream === event.stream) onMessage(turn, host, host.link, event);',
    replacement: 'if (host.link) onMessage(turn, host, host.link, event);',
    also: {
      file: `${engine}/sessions/hello.ts`,
      text: `    close(turn, host.link, 'SUPERSEDED', 'A newer stream of this agent took over.');
`,
      replacement: '',
    },
    breaks: 'What a superseded session still says is taken, when its stream is not closed.',
  },
  {
    name: 'jobs-side-by-side',
    file: `${engine}/scheduler/step.ts`,
    text: '    if (!job.cancelRequested && !this.#isFirst(job)) return;\n',
    replacement: '',
    also: {
      file: `${engine}/scheduler/step.ts`,
      text: `    if (next === jobId || next !== first) this.#effects.push({ kind: 'load', jobId: next });`,
      replacement: `    this.#effects.push({ kind: 'load', jobId });`,
    },
    breaks: 'The jobs of a cluster run side by side, when all of them are read.',
  },
  {
    name: 'unanswered-commit-tried-blindly',
    seed: 33,
    file: `${engine}/writer/step.ts`,
    text: 'if (flight?.resumeMs !== undefined && flight.resumeMs <= this.#now) this.#look(flight);',
    replacement: `if (flight?.resumeMs !== undefined && flight.resumeMs <= this.#now) {
      if (flight.work) this.#execute(flight.work, flight);
      else this.#look(flight);
    }`,
    also: {
      file: 'core/simulation/src/world/rows.ts',
      text: 'return installation.epoch === epoch && installation.commitNo < commitNo;',
      replacement: 'return installation.epoch === epoch && commitNo > 0;',
    },
    breaks: 'A commit whose answer was lost is made twice, when its number is no fence.',
  },
  {
    name: 'dead-runner-decided-nothing',
    file: `${agent}/executor/starting.ts`,
    text: `  if (standing === 'STARTING') fence(turn, put(turn, attempt, { failure: failure ?? attempt.failure }));`,
    replacement: `  if (standing === 'STARTING') retry(turn, put(turn, attempt, { tryNumber: attempt.tryNumber + 1 }), failure);`,
    also: {
      file: `${agent}/executor/starting.ts`,
      text: `if (attempt.standing === 'STARTING' && attempt.given?.runner === runner) run(turn, attempt, decision);`,
      replacement: `if (attempt.standing === 'FENCING' && attempt.given?.runner === runner) run(turn, attempt, decision);`,
    },
    breaks: 'A runner that died is taken to have decided nothing, when its word of it was not heard.',
  },
  {
    name: 'running-is-given-up',
    file: `${agent}/session/run.ts`,
    text: `    if (attempt.standing !== 'WAITING') continue;`,
    replacement: `    if (attempt.standing === 'EXITED' || attempt.standing === 'JOURNALING') continue;`,
    also: {
      file: `${agent}/executor/accepting.ts`,
      text: `if (attempt.standing === 'ACCEPTED') closeUnstarted(`,
      replacement: `if (attempt.standing !== 'EXITED') closeUnstarted(`,
    },
    breaks: 'A session gives up what a runner has started, when the executor lets it.',
  },
  {
    name: 'told-before-all-is-found',
    seed: 125,
    file: `${agent}/executor/boot.ts`,
    text: '  for (const entry of found) take(turn, entry);',
    replacement: `  state.recovery = 'UNDER_WAY';
  for (const entry of found) take(turn, entry);`,
    also: {
      file: `${agent}/executor/boot.ts`,
      text: `  state.recovery = 'UNDER_WAY';
  settleRecovery(turn);`,
      replacement: '  settleRecovery(turn);',
    },
    breaks: 'What a restarted agent finds is told before it has found all, when it is told but once.',
  },
];
