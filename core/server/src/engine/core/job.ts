import { decodeGraph } from '@stackyard/planner';
import type { JobRow, TaskRow } from '../../database/entities.ts';
import type { JobInput } from '../scheduler/state.ts';
import { isUncertain } from '../scheduler/step.ts';
import type { AttemptWrite } from '../writer/changes.ts';

/** A job's rows, kept while it runs; tasks and their latest attempts by node. */
export interface LoadedJob {
  readonly row: JobRow;
  readonly tasks: readonly TaskRow[];
  readonly attempts: AttemptWrite[];
  readonly input: JobInput;
}

/** Where an attempt that is not terminal belongs. */
export interface Place {
  readonly job: LoadedJob;
  readonly node: number;
}

/** A job as its rows say; `tasks` in the order of their nodes, `attempts` all of them in any order. */
export function loadedJob(row: JobRow, tasks: readonly TaskRow[], rows: readonly AttemptWrite[]): LoadedJob {
  const byId = new Map(rows.map((attempt) => [attempt.id, attempt]));
  const attempts = tasks.map((task) => {
    const number = Math.max(1, task.attempts);
    return byId.get(`${task.id}/${number}`) ?? pendingAttempt(task, number);
  });
  const input: JobInput = {
    id: row.id,
    clusterId: row.clusterId,
    cancelRequested: row.cancelRequested,
    started: row.state !== 'PENDING',
    graph: decodeGraph(row.graph),
    turns: row.snapshot.turns,
    pause: row.pause ?? undefined,
    tasks: tasks.map(({ id, hostId, idempotent, reason }, node) => {
      const { state, number } = attempts[node]!;
      const before = byId.get(`${id}/${number - 1}`);
      return {
        hostId,
        idempotent,
        state,
        reason: reason ?? undefined,
        attempt: number,
        lostBefore: isUncertain(before?.reason),
      };
    }),
  };
  return { row, tasks, attempts, input };
}

/** An attempt that nobody was told about yet. */
export function pendingAttempt(task: Pick<TaskRow, 'id' | 'jobId' | 'hostId'>, number: number): AttemptWrite {
  return {
    id: `${task.id}/${number}`,
    taskId: task.id,
    jobId: task.jobId,
    hostId: task.hostId,
    number,
    state: 'PENDING',
    dispatch: null,
    reason: null,
    message: null,
    envelopeHash: null,
    epoch: null,
    sessionNo: null,
    journalId: null,
    exitCode: null,
    signal: null,
    outputs: null,
    logSize: 0,
    issuedAt: null,
    startedAt: null,
    finishedAt: null,
    durationMs: null,
  };
}
