import { noTasks, type Phase } from '@stackyard/domain';
import { encodeGraph, GraphBuilder } from '@stackyard/planner';
import type { AttemptRow, JobRow, TaskRow } from '../../database/entities.ts';
import type { HelloMessage } from '../sessions/messages.ts';
import { failed } from '../sessions/outcomes.ts';
import type { EngineEffect } from './effects.ts';
import type { Happening } from './events.ts';
import { type LoadedJob, loadedJob, pendingAttempt } from './job.ts';
import { createEngineState, type EngineState } from './state.ts';
import { stepEngine } from './step.ts';

export const terms = {
  installId: 'i',
  epoch: 7,
  heartbeatMs: 200,
  leaseMs: 1000,
  lostAfterMs: 5000,
  killGraceMs: 100,
  tasksPerHost: 2,
};

export interface SampleTask {
  readonly hostId: string;
  readonly phase?: Phase;
  /** Indexes of tasks it waits for. */
  readonly after?: readonly number[];
  readonly idempotent?: boolean;
  /** Fields of its one attempt that are not those of a new one. */
  readonly attempt?: Partial<AttemptRow>;
}

/** A job as its rows would say; its tasks are `<id>.0`, `<id>.1` and so on, unless they are named otherwise. */
export function sampleJob(
  id: string,
  tasks: readonly SampleTask[],
  over: Partial<JobRow> = {},
  nameOf: (node: number) => string = (node) => `${id}.${node}`,
): LoadedJob {
  const builder = new GraphBuilder();
  tasks.forEach(() => builder.addTask());
  tasks.forEach(({ after = [] }, node) => after.forEach((before) => builder.edge(before, node)));
  const running = tasks.some(({ attempt }) => attempt?.state === 'RUNNING');
  const row: JobRow = {
    id,
    clusterId: 'c',
    position: 1,
    command: 'add',
    title: 'Test',
    request: { command: 'add', services: [] },
    state: running ? 'RUNNING' : 'PENDING',
    reason: null,
    cancelRequested: false,
    pause: null,
    basis: 1,
    graph: Buffer.from(encodeGraph(builder.toGraph())),
    snapshot: { id: 'c', name: 'c', hosts: [], services: [], leaving: [], files: {} },
    taskCount: tasks.length,
    counts: { ...noTasks, PENDING: tasks.length },
    createdBy: 'test',
    createdAt: new Date(0),
    startedAt: null,
    finishedAt: null,
    ...over,
  };
  const taskRows = tasks.map(({ hostId, phase = 'check', idempotent = false, attempt }, node): TaskRow => ({
    id: nameOf(node),
    jobId: id,
    node,
    clusterId: row.clusterId,
    hostId,
    hostComponentId: nameOf(node),
    service: 'zookeeper',
    component: 'server',
    phase,
    timeoutMs: 2000,
    idempotent,
    deleteData: false,
    state: attempt?.state ?? 'PENDING',
    reason: null,
    attempts: 1,
    startedAt: null,
    finishedAt: null,
  }));
  const attempts = taskRows.map((task, node): AttemptRow => ({
    ...pendingAttempt(task, 1),
    late: null,
    ...tasks[node]!.attempt,
  }));
  return loadedJob(row, taskRows, attempts);
}

/** An attempt as the row of one that was sent says. */
export const sent = {
  state: 'RUNNING',
  dispatch: 'SENT',
  envelopeHash: 'aa',
  epoch: 6,
  sessionNo: 4,
  journalId: 'j',
} as const;
export const succeeded = { ...failed('LOST', ''), reason: undefined };

export const greeting: HelloMessage = {
  kind: 'hello',
  protoMin: 1,
  protoMax: 1,
  installId: 'i',
  maxEpochSeen: 7,
  agentBootId: 'a',
  hostBootId: 'b',
  journalId: 'j',
  agentVersion: '0.1.0',
  place: undefined,
  inventory: [],
  components: [],
};

/** An engine whose effects are read, not carried out. */
export class SampleEngine {
  readonly state: EngineState = createEngineState(terms);
  now = 0;

  do(happening: Happening): readonly EngineEffect[] {
    return stepEngine(this.state, { ...happening, now: this.now, at: new Date(this.now) });
  }

  knows(hostId: string): void {
    const row = { name: hostId, clusterId: 'c', sessionNo: 4, journalId: 'j', hostBootId: 'b', connected: true };
    this.do({ kind: 'host', hostId, ...row });
  }

  hello(hostId: string, stream = 1, over: Partial<HelloMessage> = {}): readonly EngineEffect[] {
    const hello = { ...greeting, ...over };
    return this.do({ kind: 'hello', hostId, stream, hello, known: new Map() });
  }

  /** The rows of a job that is first in its queue. */
  reads(job: LoadedJob): readonly EngineEffect[] {
    this.do({ kind: 'queued', jobId: job.row.id, clusterId: 'c', position: job.row.position });
    return this.do({ kind: 'loaded', job });
  }

  /** Lets time pass as the ticks of a running server do. */
  passes(ms: number): readonly EngineEffect[] {
    const effects: EngineEffect[] = [];
    for (const until = this.now + ms; this.now < until;) {
      this.now = Math.min(until, this.now + 200);
      effects.push(...this.do({ kind: 'tick' }));
    }
    return effects;
  }
}

/** One line per effect. */
export function said(effects: readonly EngineEffect[]): string[] {
  return effects.map((effect) => {
    switch (effect.kind) {
      case 'commit': {
        const attempts = effect.change.attempts?.map(({ id, state, dispatch, reason }) =>
          [id, reason ?? (state === 'RUNNING' ? dispatch : state)].join(' '),
        );
        return [`commit ${effect.commit}${effect.lazy ? ' lazily' : ''}`, ...(attempts ?? [])].join(', ');
      }
      case 'send':
        return 'id' in effect.message ? `${effect.message.kind} ${effect.message.id}` : effect.message.kind;
      case 'load':
      case 'release':
        return `${effect.kind} ${effect.jobId}`;
      case 'over':
        return `over ${effect.job.id}`;
      case 'prepare':
      case 'abandon':
      case 'dispatch':
        return `${effect.kind} ${effect.attemptId}`;
      case 'close':
        return `close ${effect.stream} ${effect.code}`;
      case 'alert':
        return `alert: ${effect.sentence}`;
      case 'log':
        return `log: ${effect.sentence}`;
      case 'watch':
      case 'components':
        return `${effect.kind} ${effect.hostId}`;
    }
  });
}
