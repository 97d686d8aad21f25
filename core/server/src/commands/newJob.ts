import { noTasks, type State } from '@stackyard/domain';
import { encodeGraph, type PlannedTask } from '@stackyard/planner';
import { v7 as timeOrderedId } from 'uuid';
import type { JobRow, Snapshot, TaskRow } from '../database/entities.ts';
import type { Issuable, StoredJob } from '../engine/ports.ts';
import type { JobFields } from '../jobs/rows.ts';
import { toJson } from '../engine/writer/json.ts';
import type { Said } from './apply.ts';
import { snapshotOf } from './clusterState.ts';
import type { Planned } from './planning.ts';
import type { JobAnswer } from './statement.ts';
import type { StoredRows } from './storedRows.ts';
import { titleOf } from './title.ts';

/** A job that was just stored, as a reader would find it. */
export type NewJob = JobFields;

type NewTask = Omit<PlannedTask, 'data'> & Pick<TaskRow, 'id' | 'node' | 'deleteData'>;

/** The job that carries a plan out, with its tasks. A job without tasks is SUCCESSFUL at once. */
export function newJob(
  planned: Planned,
  { basis, createdBy }: { readonly basis: number; readonly createdBy: string },
): {
  readonly job: NewJob;
  /** Its rows before anything of it is issued, but for what only the database knows: its place, and the order of keys in its request. */
  readonly draft: () => { readonly row: JobRow; readonly tasks: readonly TaskRow[] };
  /** What is stored; `issued` are first tasks that begin with it unless it has to wait. */
  readonly rows: (issued?: readonly Issuable[]) => StoredRows;
  readonly event: Said;
  /** The job for the engine, by what the database answered to these rows. */
  readonly stored: (answer: JobAnswer, issued?: readonly Issuable[]) => StoredJob;
} {
  const { plan, next } = planned;
  const now = new Date();
  const state: State = plan.tasks.length === 0 ? 'SUCCESSFUL' : 'PENDING';
  const job = {
    // Rows of one job lie side by side in tables and indexes, and those of the newest at the end.
    id: timeOrderedId(),
    clusterId: next.id,
    command: plan.request.command,
    title: titleOf(planned),
    request: plan.request,
    state,
    reason: null,
    cancelRequested: false,
    pause: pausesOf(plan) ? ('AHEAD' as const) : null,
    basis,
    taskCount: plan.tasks.length,
    counts: { ...noTasks, PENDING: plan.tasks.length },
    createdBy,
    createdAt: now,
    startedAt: state === 'PENDING' ? null : now,
    finishedAt: state === 'PENDING' ? null : now,
  };
  const tasks = plan.tasks.map(({ data, ...task }, node) => ({
    ...task,
    id: timeOrderedId(),
    node,
    deleteData: data === 'delete',
  }));
  const graph = Buffer.from(encodeGraph(plan.graph));
  const snapshot = toJson({
    ...snapshotOf(planned, digestsOf(planned)),
    ...(plan.turns ? { turns: plan.turns } : {}),
  });
  let drafted: { readonly row: JobRow; readonly tasks: readonly TaskRow[] } | undefined;
  const draft = () =>
    (drafted ??= {
      row: { ...job, graph, position: 0, snapshot: JSON.parse(snapshot) as Snapshot },
      tasks: tasks.map((task) => taskRow(job, task)),
    });
  return {
    job,
    draft,
    rows: (issued = []) => {
      const first = new Map(issued.map(({ attempt }) => [attempt.taskId, attempt]));
      const begins = { issued: issued.length, issuedAt: issued[0]?.attempt.issuedAt, issuedCounts: begun(job, issued) };
      return {
        texts: textsOf(planned, now),
        jobs: [{ ...job, ...begins, graph: graph.toString('base64'), snapshot }],
        tasks: tasks.filter(({ id }) => !first.has(id)),
        firstTasks: tasks.flatMap((task) => {
          const attempt = first.get(task.id);
          if (!attempt) return [];
          const { envelopeHash, epoch, sessionNo, journalId, issuedAt } = attempt;
          return [{ ...task, envelopeHash, epoch, sessionNo, journalId, issuedAt }];
        }),
      };
    },
    event: {
      topic: 'job',
      clusterId: next.id,
      payload: { kind: 'job', jobId: job.id, state, counts: job.counts, title: job.title },
    },
    stored: (answer, issued = []) => {
      if (answer.ahead !== undefined) return { id: job.id, position: answer.position, ahead: answer.ahead };
      const row = { ...draft().row, ...answer };
      const [first] = issued;
      if (!first) return { row, tasks: draft().tasks, issued };
      const { issuedAt } = first.attempt;
      const begins = new Set(issued.map(({ attempt }) => attempt.taskId));
      return {
        row: { ...row, state: 'RUNNING', counts: begun(job, issued), startedAt: issuedAt },
        tasks: draft().tasks.map((task) =>
          begins.has(task.id) ? { ...task, state: 'RUNNING', startedAt: issuedAt } : task,
        ),
        issued,
      };
    },
  };
}

function begun({ taskCount }: Pick<NewJob, 'taskCount'>, { length }: readonly Issuable[]): NewJob['counts'] {
  return { ...noTasks, PENDING: taskCount - length, RUNNING: length };
}

/** A new task as a reader would find it. */
function taskRow(
  { id: jobId, clusterId }: NewJob,
  { id, node, hostId, hostComponentId, service, component, phase, timeoutMs, idempotent, deleteData }: NewTask,
): TaskRow {
  return {
    id,
    jobId,
    node,
    clusterId,
    hostId,
    hostComponentId,
    service,
    component,
    phase,
    timeoutMs,
    idempotent,
    deleteData,
    state: 'PENDING',
    reason: null,
    attempts: 1,
    startedAt: null,
    finishedAt: null,
  };
}

function pausesOf({ turns }: Planned['plan']): boolean {
  return turns?.sequences.some((sequence) => sequence.some(({ pauses }) => pauses)) ?? false;
}

function textsOf({ rendered }: Planned, createdAt: Date): NonNullable<StoredRows['texts']> {
  const texts = new Map([...rendered.values()].flat().map(({ digest, content }) => [digest, content]));
  return [...texts].map(([digest, content]) => ({ digest, content, createdAt }));
}

/** Digests of the rendered files by host component and path. */
function digestsOf({ rendered }: Planned): Record<string, Record<string, string>> {
  return Object.fromEntries(
    [...rendered].map(([id, list]) => [id, Object.fromEntries(list.map(({ path, digest }) => [path, digest]))]),
  );
}
