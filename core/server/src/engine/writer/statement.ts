import type { Statement } from '../ports.ts';
import type { AttemptWrite, Folded } from './changes.ts';
import type { Batch, NumberedEvent } from './events.ts';

/** [name in the row object, column, type] */
type Column = readonly [name: string, column: string, type: string];

/** Of an attempt: what never changes, and what only `sent` writes. */
const storedWithJob: ReadonlySet<string> = new Set([
  'id',
  'taskId',
  'jobId',
  'hostId',
  'number',
  'journalId',
  'issuedAt',
]);
const attemptColumns: readonly Column[] = [
  ['id', 'id', 'text'],
  ['taskId', 'task_id', 'uuid'],
  ['jobId', 'job_id', 'uuid'],
  ['hostId', 'host_id', 'uuid'],
  ['number', 'number', 'int'],
  ['state', 'state', 'text'],
  ['dispatch', 'dispatch', 'text'],
  ['reason', 'reason', 'text'],
  ['message', 'message', 'text'],
  ['envelopeHash', 'envelope_hash', 'text'],
  ['epoch', 'epoch', 'bigint'],
  ['sessionNo', 'session_no', 'bigint'],
  ['journalId', 'journal_id', 'uuid'],
  ['exitCode', 'exit_code', 'int'],
  ['signal', 'signal', 'text'],
  ['outputs', 'outputs', 'jsonb'],
  ['logSize', 'log_size', 'bigint'],
  ['issuedAt', 'issued_at', 'timestamptz'],
  ['startedAt', 'started_at', 'timestamptz'],
  ['finishedAt', 'finished_at', 'timestamptz'],
  ['durationMs', 'duration_ms', 'int'],
  ['late', 'late', 'jsonb'],
];
/** What an attempt becomes; the others were stored with its job. */
const stepColumns = attemptColumns.filter(([name]) => !storedWithJob.has(name));
const taskColumns: readonly Column[] = [
  ['state', 'state', 'text'],
  ['reason', 'reason', 'text'],
  ['attempts', 'attempts', 'int'],
  ['startedAt', 'started_at', 'timestamptz'],
  ['finishedAt', 'finished_at', 'timestamptz'],
];
const jobColumns: readonly Column[] = [
  ['state', 'state', 'text'],
  ['reason', 'reason', 'text'],
  ['cancelRequested', 'cancel_requested', 'boolean'],
  ['pause', 'pause', 'text'],
  ['position', 'position', 'bigint'],
  ['counts', 'counts', 'jsonb'],
  ['startedAt', 'started_at', 'timestamptz'],
  ['finishedAt', 'finished_at', 'timestamptz'],
];
const sessionColumns: readonly Column[] = [
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
const seenColumns: readonly Column[] = [
  ['observed', 'observed', 'text'],
  ['observedAt', 'observed_at', 'timestamptz'],
  ['observedMessage', 'observed_message', 'text'],
  ['role', 'role', 'text'],
  ['restarts', 'restarts', 'int'],
  ['pid', 'pid', 'int'],
];

const wayColumns: readonly Column[] = [['leaving', 'leaving', 'text']];

const typed = (columns: readonly Column[]): string => columns.map(([name, , type]) => `"${name}" ${type}`).join(', ');
const assigned = (columns: readonly Column[]): string =>
  columns.map(([name, column]) => `${column} = r."${name}"`).join(', ');
/** Columns that live in an object of the patch: replaced as a whole when it is there. */
const within = (table: string, object: string, columns: readonly Column[]): string =>
  columns
    .map(
      ([name, column, type]) =>
        `${column} = case when r.${object} is null then ${table}.${column} else (r.${object}->>'${name}')::${type} end`,
    )
    .join(', ');
const update = (table: string, columns: readonly Column[]): string =>
  `update ${table} set ${assigned(columns)}
   from json_to_recordset($N::json) as r(id uuid, ${typed(columns)}), fence where ${table}.id = r.id`;

/**
 * Compare and set: a terminal attempt never changes again, nor one that was issued with another envelope or in a newer
 * session.
 */
const open = (next: string): string => `attempt.state not in ('SUCCESSFUL', 'FAILED', 'CANCELED')
     and (attempt.envelope_hash is null or attempt.envelope_hash = ${next}.${next === 'r' ? '"envelopeHash"' : 'envelope_hash'})
     and (attempt.epoch is null or (attempt.epoch, coalesce(attempt.session_no, 0))
       <= (${next}.epoch, coalesce(${next}.${next === 'r' ? '"sessionNo"' : 'session_no'}, 0)))`;

/** Attempts as they are most often written: with few of their columns. The others may not be stored yet. */
type Part = 'sent' | 'stepped' | keyof Folded;

/** A part of the statement for each kind of row; `$N` is its one parameter, the rows as JSON. */
const parts: Readonly<Record<Part, string>> = {
  sent: `update attempt set state = 'RUNNING', dispatch = 'SENT', envelope_hash = r."envelopeHash", epoch = r.epoch,
     session_no = r."sessionNo", journal_id = r."journalId", issued_at = r."issuedAt"
   from json_to_recordset($N::json)
     as r(id text, "envelopeHash" text, epoch bigint, "sessionNo" bigint, "journalId" uuid, "issuedAt" timestamptz), fence
   where attempt.id = r.id and ${open('r')}
   returning 1`,
  stepped: `update attempt set ${assigned(stepColumns)}
   from json_to_recordset($N::json) as r(id text, ${typed(stepColumns)}), fence
   where attempt.id = r.id and ${open('r')}
   returning 1`,
  attempts: `insert into attempt (${attemptColumns.map(([, column]) => column).join(', ')})
   select ${attemptColumns.map(([name]) => `r."${name}"`).join(', ')}
   from json_to_recordset($N::json) as r(${typed(attemptColumns)}), fence
   on conflict (id) do update set ${attemptColumns
     .slice(5)
     .map(
       ([, column]) =>
         `${column} = ${column === 'late' ? 'coalesce(attempt.late, excluded.late)' : `excluded.${column}`}`,
     )
     .join(', ')}
   where ${open('excluded')}
   returning 1`,
  late: `update attempt set late = r.late
   from json_to_recordset($N::json) as r(id text, late jsonb), fence where attempt.id = r.id and attempt.late is null`,
  tasks: update('task', taskColumns),
  jobs: update('job', jobColumns),
  components: `update host_component as c set
     desired = coalesce(r.desired, c.desired),
     once = case when r.once is null then c.once
       else (select jsonb_agg(distinct step) from jsonb_array_elements(c.once || r.once) as step) end,
     applied = coalesce(r.configured->'applied', c.applied),
     applied_values = coalesce(r.configured->'appliedValues', c.applied_values),
     config_version = coalesce((r.configured->>'configVersion')::int, c.config_version),
     stack_digest = coalesce(r."stackDigest", c.stack_digest),
     ${within('c', 'way', wayColumns)},
     ${within('c', 'seen', seenColumns)}
   from json_to_recordset($N::json)
     as r(id uuid, desired text, once jsonb, configured jsonb, "stackDigest" text, way jsonb, seen jsonb), fence
   where c.id = r.id`,
  removed: `delete from host_component as c
   using json_to_recordset($N::json) as r(id uuid), fence where c.id = r.id`,
  hosts: `update host as h set
     connected = coalesce(r.connected, h.connected),
     last_seen_at = coalesce(r."lastSeenAt", h.last_seen_at),
     facts = coalesce(r.facts, h.facts),
     ${within('h', 'session', sessionColumns)}
   from json_to_recordset($N::json)
     as r(id uuid, connected boolean, "lastSeenAt" timestamptz, facts jsonb, session jsonb), fence
   where h.id = r.id`,
  events: `insert into event_run (id, first_id, after_id, topic, cluster_id, payloads, at)
   select r.id, r."firstId", (select coalesce(max(id), 0) from event_run), r.topic, r."clusterId", r.payloads, r.at
   from json_to_recordset($N::json)
     as r(id bigint, "firstId" bigint, topic text, "clusterId" uuid, payloads json, at timestamptz), fence`,
};
/** Services that leave with the last of their host components; shares the parameter of `removed`. */
const leavingServices = `select distinct r.service as id
   from json_to_recordset($N::json) as r(id uuid, service uuid), fence
   where r.service is not null and not exists (
     select from host_component as c where c.service_id = r.service
       and c.id not in (select x.id from json_to_recordset($N::json) as x(id uuid)))`;

/**
 * No row of this epoch, no write; nor where this commit, or a later one, has happened: a statement whose answer was lost
 * may still be under way in the database while it is tried again.
 */
const fence = `fence as (
  update installation set commit_no = $2 where id = 1 and epoch = $1 and commit_no < $2 returning 1)`;

const order = Object.keys(parts) as Part[];
const texts = new Map<number, string>();

/**
 * One statement, so one round trip and one sync of the disk: the fence and a part for
 * each kind of row that is there. Named after its parts, so that the database prepares each form once.
 */
export function statementFor(batch: Batch): {
  name: string;
  text: string;
  values: string[];
} {
  const rows = split(batch);
  const present = order.filter((part) => rows[part].length > 0);
  const mask = present.reduce((bits, part) => bits | (1 << order.indexOf(part)), 0);
  let text = texts.get(mask);
  if (text === undefined) {
    text = compose(present);
    texts.set(mask, text);
  }
  return { name: `writer-${mask}`, text, values: present.map((part) => toJson(rows[part])) };
}

/** Events as the statements take them. */
export function eventsJson(events: readonly NumberedEvent[]): string {
  return toJson(runsOf(events));
}

/** Most events in a row: who reads the outbox from the middle of a row reads the rest of it too. */
const RUN = 100;

/** Events one after the other that differ in their payloads only: most of a commit are of the tasks of one cluster. */
function runsOf(events: readonly NumberedEvent[]): readonly Run[] {
  const runs: Run[] = [];
  let run: Run | undefined;
  for (const { id, topic, clusterId, at, payload } of events) {
    if (run?.topic !== topic || run.clusterId !== clusterId || run.id + 1 !== id || run.payloads.length === RUN) {
      run = { id, firstId: id, topic, clusterId, at, payloads: [] };
      runs.push(run);
    }
    run.id = id;
    run.payloads.push(payload);
  }
  return runs;
}

interface Run extends Omit<NumberedEvent, 'id' | 'payload'> {
  id: number;
  readonly firstId: number;
  readonly payloads: NumberedEvent['payload'][];
}

/** Events at the end of a transaction of others, by the ORM's placeholders: commit number, epoch, commit number, events. */
export const appendText = `with fence as (update installation set commit_no = ? where id = 1 and epoch = ? and commit_no < ? returning 1),
said as (${parts.events.replaceAll('$N', '?')})
select 1 from fence`;

/** The common table expressions of a statement from outside, between the fence and its events. */
export function guarded({ text, answer = `'true'::json` }: Statement): string {
  return `with ${fence},
${text},
said as (${parts.events.replaceAll('$N', '$3')}, go)
select (select count(*) from fence) as fenced, (select ${answer} from go) as answer`;
}

function split({ attempts, tasks, events, ...others }: Batch): Readonly<Record<Part, readonly unknown[]>> {
  const [sent, stepped, whole]: [object[], object[], object[]] = [[], [], []];
  for (const attempt of attempts) {
    // Later ones may have been made by a change of this very batch.
    if (attempt.number > 1 || attempt.state === 'PENDING') whole.push(attempt);
    else if (attempt.state === 'RUNNING' && attempt.dispatch === 'SENT') sent.push(sentOf(attempt));
    else stepped.push(filled(attempt, stepNames));
  }
  return {
    ...others,
    events: runsOf(events),
    sent,
    stepped,
    attempts: whole,
    tasks: tasks.map((task) => filled(task, taskNames)),
  };
}

function sentOf({ id, envelopeHash, epoch, sessionNo, journalId, issuedAt }: AttemptWrite): object {
  return { id, envelopeHash, epoch, sessionNo, journalId, issuedAt };
}

const stepNames = ['id', ...stepColumns.map(([name]) => name)];
const taskNames = ['id', ...taskColumns.map(([name]) => name)];

/** What a record does not name is null in the database, so that the short ones stay short. */
function filled(row: object, names: readonly string[]): object {
  const record: Record<string, unknown> = {};
  for (const name of names) {
    const value = row[name as keyof typeof row] as unknown;
    if (value !== null && value !== undefined) record[name] = value;
  }
  return record;
}

function compose(present: readonly Part[]): string {
  const ctes = [fence];
  present.forEach((part, index) => {
    const parameter = `$${index + 3}`;
    ctes.push(`${part} as (${parts[part].replaceAll('$N', parameter)})`);
    if (part === 'removed') {
      ctes.push(
        `leaving as (${leavingServices.replaceAll('$N', parameter)})`,
        'gone as (delete from service using leaving where service.id = leaving.id)',
        'forgotten as (delete from config_version using leaving where config_version.service_id = leaving.id)',
      );
    }
  });
  const counted = present.filter((part) => part === 'sent' || part === 'stepped' || part === 'attempts');
  const changed = ['0', ...counted.map((part) => `(select count(*) from ${part})`)].join(' + ');
  return `with ${ctes.join(',\n')}\nselect (select count(*) from fence) as fenced, ${changed} as attempts`;
}

/** PostgreSQL takes neither NUL nor half a surrogate pair in text, and agents send what their scripts print. */
export function toJson(value: unknown): string {
  const json = JSON.stringify(value);
  if (!/\\u(?:0000|d[89a-f])/i.test(json)) return json;
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'string' ? Buffer.from(item.replaceAll('\u0000', '')).toString() : item,
  );
}
