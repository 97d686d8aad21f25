import { isTerminal, noTasks } from '@stackyard/domain';
import { pendingAttempt } from '@stackyard/server/engine';
import type { JobRow, Tables, TaskRow } from './rows.ts';

/** What a user asks of the server: a transaction of its own, and what the engine is told once it is committed. */
export type Request =
  | { readonly kind: 'submit'; readonly job: JobRow; readonly tasks: readonly TaskRow[] }
  | { readonly kind: 'cancel'; readonly jobId: string }
  | { readonly kind: 'retry'; readonly jobId: string };

export type Happened = 'changed' | 'nothing';

/** Does to the tables what the server's transactions do. Asked for again it changes nothing more. */
export function carryOut(tables: Tables, request: Request): Happened {
  switch (request.kind) {
    case 'submit': {
      if (tables.jobs.has(request.job.id)) return 'nothing';
      tables.jobs.set(request.job.id, { ...request.job, position: nextPosition(tables) });
      for (const task of request.tasks) {
        tables.tasks.set(task.id, { ...task });
        tables.attempts.set(`${task.id}/1`, { ...pendingAttempt(task, 1), late: null });
      }
      return 'changed';
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
