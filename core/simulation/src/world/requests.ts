import { isTerminal, noTasks } from '@stackyard/domain';
import { type AttemptWrite, pendingAttempt } from '@stackyard/server/engine';
import type { JobRow, Tables, TaskRow } from './rows.ts';

/** What a user asks of the server: a transaction of its own, and what the engine is told once it is committed. */
export type Request =
  | {
      readonly kind: 'submit';
      readonly job: JobRow;
      readonly tasks: readonly TaskRow[];
      /** Attempts that are stored as issued unless the job has to wait. */
      readonly issued?: readonly AttemptWrite[];
    }
  | { readonly kind: 'cancel'; readonly jobId: string }
  | { readonly kind: 'retry'; readonly jobId: string };

/** `begun`: changed, and the job was stored with its first attempts as issued. */
export type Happened = 'changed' | 'begun' | 'nothing';

/** Does to the tables what the server's transactions do. Asked for again it changes nothing more. */
export function carryOut(tables: Tables, request: Request): Happened {
  switch (request.kind) {
    case 'submit': {
      if (tables.jobs.has(request.job.id)) return 'nothing';
      const waits = isTaken(tables, request.job.clusterId);
      const { job, tasks, attempts } = begun(request, waits ? [] : (request.issued ?? []));
      tables.jobs.set(job.id, { ...job, position: nextPosition(tables) });
      for (const task of tasks) {
        tables.tasks.set(task.id, { ...task });
        tables.attempts.set(`${task.id}/1`, { ...pendingAttempt(task, 1), late: null });
      }
      for (const attempt of attempts) tables.attempts.set(attempt.id, { ...attempt, late: null });
      return attempts.length > 0 ? 'begun' : 'changed';
    }
    case 'cancel': {
      const job = tables.jobs.get(request.jobId);
      if (!job || isTerminal(job.state)) return 'nothing';
      tables.jobs.set(job.id, { ...job, cancelRequested: true });
      return 'changed';
    }
    case 'retry': {
      const job = tables.jobs.get(request.jobId);
      if (job?.state !== 'FAILED' && job?.state !== 'CANCELED') return 'nothing';
      retry(tables, job);
      return 'changed';
    }
  }
}

function isTaken({ jobs }: Tables, clusterId: string): boolean {
  return [...jobs.values()].some((job) => job.clusterId === clusterId && !isTerminal(job.state));
}

/** The rows of a job with these attempts as issued. */
export function begun(
  { job, tasks }: Extract<Request, { kind: 'submit' }>,
  attempts: readonly AttemptWrite[],
): { readonly job: JobRow; readonly tasks: readonly TaskRow[]; readonly attempts: readonly AttemptWrite[] } {
  const [first] = attempts;
  if (!first) return { job, tasks, attempts };
  const startedAt = first.issuedAt;
  const runs = new Set(attempts.map(({ taskId }) => taskId));
  const counts = { ...noTasks, PENDING: tasks.length - runs.size, RUNNING: runs.size };
  return {
    job: { ...job, state: 'RUNNING', counts, startedAt },
    tasks: tasks.map((task) => (runs.has(task.id) ? { ...task, state: 'RUNNING', startedAt } : task)),
    attempts,
  };
}

function retry(tables: Tables, job: JobRow): void {
  const counts = { ...noTasks };
  for (const task of tables.tasks.values()) {
    if (task.jobId !== job.id) continue;
    const again = task.state === 'FAILED' || task.state === 'CANCELED';
    counts[again ? 'PENDING' : task.state] += 1;
    if (!again) continue;
    const attempts = task.attempts + 1;
    const fresh = { state: 'PENDING', reason: null, attempts, startedAt: null, finishedAt: null } as const;
    tables.tasks.set(task.id, { ...task, ...fresh });
    tables.attempts.set(`${task.id}/${attempts}`, { ...pendingAttempt(task, attempts), late: null });
  }
  const fresh = { state: 'PENDING', reason: null, cancelRequested: false, finishedAt: null, startedAt: null } as const;
  const pause = job.pause === 'PAUSED' ? 'RESUMED' : job.pause;
  tables.jobs.set(job.id, { ...job, ...fresh, pause, counts, position: nextPosition(tables) });
}

function nextPosition({ jobs }: Tables): number {
  let last = 0;
  for (const { position } of jobs.values()) last = Math.max(last, position);
  return last + 1;
}
