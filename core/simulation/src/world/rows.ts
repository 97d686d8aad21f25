import type { Batch, loadedJob } from '@stackyard/server/engine';

export type JobRow = Parameters<typeof loadedJob>[0];
export type TaskRow = Parameters<typeof loadedJob>[1][number];
export type AttemptRow = Parameters<typeof loadedJob>[2][number];

/** What the protocol reads of a host's row. */
export interface HostRow {
  readonly id: string;
  readonly name: string;
  readonly clusterId: string;
  readonly sessionNo: number;
  readonly journalId: string | null;
  readonly hostBootId: string | null;
  readonly connected: boolean;
  readonly lastSeenAt: Date | null;
}

/** The tables, as maps of rows that are replaced and never changed. */
export interface Tables {
  installation: { readonly installId: string; readonly epoch: number; readonly commitNo: number };
  readonly hosts: Map<string, HostRow>;
  readonly jobs: Map<string, JobRow>;
  readonly tasks: Map<string, TaskRow>;
  readonly attempts: Map<string, AttemptRow>;
  /** Ids of the outbox. */
  readonly events: Set<number>;
}

export type Applied = 'done' | 'fenced' | 'refused';

const over: ReadonlySet<string> = new Set(['SUCCESSFUL', 'FAILED', 'CANCELED']);

/** What the one statement of the server's writer does; components are no part of the protocol and are left out. */
export function apply(
  tables: Tables,
  { epoch, commitNo, batch }: { readonly epoch: number; readonly commitNo: number; readonly batch: Batch },
): Applied {
  if (!passes(tables, epoch, commitNo)) return 'fenced';
  if (batch.events.some(({ id }) => tables.events.has(id))) return 'refused';
  tables.installation = { ...tables.installation, commitNo };
  for (const attempt of batch.attempts) writeAttempt(tables.attempts, attempt);
  for (const { id, late } of batch.late) change(tables.attempts, id, (row) => (row.late ? row : { ...row, late }));
  for (const { id, ...task } of batch.tasks) change(tables.tasks, id, (row) => ({ ...row, ...task }));
  for (const { id, ...job } of batch.jobs) change(tables.jobs, id, (row) => ({ ...row, ...job }));
  for (const { id, connected, lastSeenAt, session } of batch.hosts) {
    change(tables.hosts, id, (row) => ({
      ...row,
      connected: connected ?? row.connected,
      lastSeenAt: lastSeenAt ?? row.lastSeenAt,
      ...(session && { sessionNo: session.sessionNo, journalId: session.journalId, hostBootId: session.hostBootId }),
    }));
  }
  for (const { id } of batch.events) tables.events.add(id);
  return 'done';
}

type Attempt = Batch['attempts'][number];

/** The first attempt of a task is stored with its job: from then on its row is updated, and never made. */
function writeAttempt(attempts: Map<string, AttemptRow>, attempt: Attempt): void {
  const before = attempts.get(attempt.id);
  const late = before?.late ?? attempt.late ?? null;
  if (!before) {
    if (attempt.number > 1 || attempt.state === 'PENDING') attempts.set(attempt.id, { ...attempt, late });
  } else if (mayChange(before, attempt)) {
    const left = leftOut(before, attempt);
    if (left) throw new Error(`The statement leaves out what has changed of ${attempt.id}: ${left}.`);
    const { taskId, jobId, hostId, number } = before;
    attempts.set(attempt.id, { ...attempt, taskId, jobId, hostId, number, late });
  }
}

/** What comes after the first word on a first attempt is short: the statement relies on it that the rest stays. */
function leftOut(before: AttemptRow, next: Attempt): string | undefined {
  if (next.number > 1 || next.state === 'PENDING') return undefined;
  const isSent = next.state === 'RUNNING' && next.dispatch === 'SENT';
  if (isSent && next.late && !before.late) return 'late';
  const kept = isSent ? (['reason', 'exitCode', 'logSize', 'startedAt', 'finishedAt'] as const) : storedOnce;
  return kept.find((name) => before[name]?.valueOf() !== next[name]?.valueOf());
}

const storedOnce = ['journalId', 'issuedAt'] as const;

/** Nothing is written by a server of another epoch, nor a second time. */
export function passes({ installation }: Tables, epoch: number, commitNo: number): boolean {
  return installation.epoch === epoch && installation.commitNo < commitNo;
}

type Said = Pick<AttemptRow, 'epoch' | 'sessionNo' | 'envelopeHash'>;

/** A terminal attempt never changes, nor one of another envelope, nor by what was heard in an older session. */
function mayChange(before: AttemptRow, next: Said): boolean {
  if (over.has(before.state)) return false;
  if (before.envelopeHash !== null && before.envelopeHash !== next.envelopeHash) return false;
  if (!before.epoch) return true;
  if (!next.epoch || next.epoch < before.epoch) return false;
  return next.epoch > before.epoch || (next.sessionNo ?? 0) >= (before.sessionNo ?? 0);
}

function change<Row>(rows: Map<string, Row>, id: string, next: (row: Row) => Row): void {
  const row = rows.get(id);
  if (row) rows.set(id, next(row));
}

export function copyOf(tables: Tables): Tables {
  return {
    installation: tables.installation,
    hosts: new Map(tables.hosts),
    jobs: new Map(tables.jobs),
    tasks: new Map(tables.tasks),
    attempts: new Map(tables.attempts),
    events: new Set(tables.events),
  };
}
