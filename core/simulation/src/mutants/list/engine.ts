import type { Mutant } from '../mutant.ts';

const folder = 'core/server/src/engine';

export const engineMutants: readonly Mutant[] = [
  {
    name: 'ack-before-commit',
    file: `${folder}/core/attempts.ts`,
    text: `if (ackOn !== undefined) afterwards(turn, { kind: 'acknowledge', stream: ackOn, attemptId });`,
    replacement: `if (ackOn !== undefined) turn.effects.push({ kind: 'send', stream: ackOn, message: { kind: 'resultAck', id: attemptId } });`,
    breaks: 'A result is acknowledged before it is committed.',
  },
  {
    name: 'sent-before-commit',
    file: `${folder}/core/attempts.ts`,
    text: `  afterwards(turn, { kind: 'issued', hostId, attemptId: id });`,
    replacement: '  hasBeenIssued(turn, id);',
    breaks: 'An attempt is sent before it is committed that it was.',
  },
  {
    name: 'successors-before-commit',
    file: `${folder}/core/turn.ts`,
    text: 'if (commits.pressed <= commits.durable) return following;',
    replacement: 'if (commits.pressed <= commits.durable + 1) return following;',
    breaks: 'What follows from a step does not wait for its commit.',
  },
  {
    name: 'youngest-job-first',
    file: `${folder}/scheduler/step.ts`,
    text: 'const before = queue.jobs.findLastIndex((job) => job.position < position);',
    replacement: 'const before = queue.jobs.findLastIndex((job) => job.position > position);',
    breaks: 'The queue of a cluster is turned round.',
  },
  {
    name: 'successors-of-failures-run',
    file: `${folder}/scheduler/step.ts`,
    text: `    if (event.state === 'SUCCESSFUL') {
`,
    replacement: `    if (event.state !== 'CANCELED') {
`,
    breaks: 'Tasks run after one before them has failed.',
  },
  {
    name: 'everything-runs-again',
    seed: 22,
    file: `${folder}/scheduler/step.ts`,
    text: 'isUncertain(reason) && job.tasks[task]?.idempotent === true && job.lostBefore[task] === 0 && !job.cancelRequested',
    replacement: 'isUncertain(reason) && job.lostBefore[task] === 0 && !job.cancelRequested',
    breaks: 'What may not be done twice gets another attempt by itself.',
  },
  {
    name: 'again-and-again',
    seed: 10,
    file: `${folder}/scheduler/step.ts`,
    text: 'isUncertain(reason) && job.tasks[task]?.idempotent === true && job.lostBefore[task] === 0 && !job.cancelRequested',
    replacement: 'isUncertain(reason) && job.tasks[task]?.idempotent === true && !job.cancelRequested',
    breaks: 'A task gets new attempts by itself without end.',
  },
  {
    name: 'dependents-wait-for-ever',
    file: `${folder}/scheduler/step.ts`,
    text: `dependents(job.graph, tasks, spared).filter((task) => job.stage[task] === WAITING);`,
    replacement: `dependents(job.graph, tasks, spared).filter((task) => job.stage[task] === OVER);`,
    breaks: 'What waits for a failed task waits for ever.',
  },
  {
    name: 'places-not-given-back',
    file: `${folder}/scheduler/step.ts`,
    text: `    this.host(hostOf(job, task)).busy -= 1;
    this.#freed`,
    replacement: '    this.#freed',
    breaks: 'The places of a host run out.',
  },
  {
    name: 'late-ack-before-commit',
    seed: 41,
    file: `${folder}/core/hosts.ts`,
    text: `afterwards(turn, { kind: 'acknowledge', stream: ackOn, attemptId });`,
    replacement: `turn.effects.push({ kind: 'send', stream: ackOn, message: { kind: 'resultAck', id: attemptId } });`,
    breaks: 'A late result is acknowledged before it is committed.',
  },
  {
    name: 'cancel-not-sent',
    seed: 40,
    file: `${folder}/core/jobs.ts`,
    text: `afterwards(turn, { kind: 'stop', hostId, attemptId: id });`,
    replacement: `if (id === '') afterwards(turn, { kind: 'stop', hostId, attemptId: id });`,
    breaks: "A canceled job's scripts run on.",
  },
];
