import type { Column } from './rows.ts';

/** Of an attempt: what was stored with its job and never changes. */
const attemptBasis: readonly Column[] = [
  ['id', 'id', 'text'],
  ['taskId', 'task_id', 'uuid'],
  ['jobId', 'job_id', 'uuid'],
  ['hostId', 'host_id', 'uuid'],
  ['number', 'number', 'int'],
];
/** What only `sent` writes, beside others. */
const attemptIssue: readonly Column[] = [
  ['journalId', 'journal_id', 'uuid'],
  ['issuedAt', 'issued_at', 'timestamptz'],
];
/** What an attempt becomes. */
export const attemptSteps: readonly Column[] = [
  ['state', 'state', 'text'],
  ['dispatch', 'dispatch', 'text'],
  ['reason', 'reason', 'text'],
  ['message', 'message', 'text'],
  ['envelopeHash', 'envelope_hash', 'text'],
  ['epoch', 'epoch', 'bigint'],
  ['sessionNo', 'session_no', 'bigint'],
  ['exitCode', 'exit_code', 'int'],
  ['signal', 'signal', 'text'],
  ['outputs', 'outputs', 'jsonb'],
  ['logSize', 'log_size', 'bigint'],
  ['startedAt', 'started_at', 'timestamptz'],
  ['finishedAt', 'finished_at', 'timestamptz'],
  ['durationMs', 'duration_ms', 'int'],
  ['late', 'late', 'jsonb'],
];
export const attemptChanges = [...attemptIssue, ...attemptSteps];
export const attemptColumns = [...attemptBasis, ...attemptChanges];
export const sentColumns: readonly Column[] = [
  ...attemptIssue,
  ...attemptSteps.filter(([name]) => name === 'envelopeHash' || name === 'epoch' || name === 'sessionNo'),
];
export const taskColumns: readonly Column[] = [
  ['state', 'state', 'text'],
  ['reason', 'reason', 'text'],
  ['attempts', 'attempts', 'int'],
  ['startedAt', 'started_at', 'timestamptz'],
  ['finishedAt', 'finished_at', 'timestamptz'],
];
export const jobColumns: readonly Column[] = [
  ['state', 'state', 'text'],
  ['reason', 'reason', 'text'],
  ['cancelRequested', 'cancel_requested', 'boolean'],
  ['pause', 'pause', 'text'],
  ['position', 'position', 'bigint'],
  ['counts', 'counts', 'jsonb'],
  ['startedAt', 'started_at', 'timestamptz'],
  ['finishedAt', 'finished_at', 'timestamptz'],
];
export const sessionColumns: readonly Column[] = [
  ['sessionNo', 'session_no', 'bigint'],
  ['journalId', 'journal_id', 'uuid'],
  ['hostBootId', 'host_boot_id', 'text'],
  ['agentBootId', 'agent_boot_id', 'text'],
  ['agentVersion', 'agent_version', 'text'],
  ['address', 'address', 'text'],
  ['bind', 'bind', 'text'],
  ['root', 'root', 'text'],
  ['local', 'local', 'boolean'],
];
export const seenColumns: readonly Column[] = [
  ['observed', 'observed', 'text'],
  ['observedAt', 'observed_at', 'timestamptz'],
  ['observedMessage', 'observed_message', 'text'],
  ['role', 'role', 'text'],
  ['restarts', 'restarts', 'int'],
  ['pid', 'pid', 'int'],
];
export const wayColumns: readonly Column[] = [['leaving', 'leaving', 'text']];
export const runColumns: readonly Column[] = [
  ['id', 'id', 'bigint'],
  ['firstId', 'first_id', 'bigint'],
  ['topic', 'topic', 'text'],
  ['clusterId', 'cluster_id', 'uuid'],
  ['common', 'common', 'json'],
  ['payloads', 'payloads', 'json'],
  ['at', 'at', 'timestamptz'],
];
