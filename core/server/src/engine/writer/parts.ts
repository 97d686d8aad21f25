import type { Folded } from './changes.ts';
import { type Column, inColumns, inRecords, type Rows } from './rows.ts';
import {
  attemptChanges,
  attemptColumns,
  attemptSteps,
  jobColumns,
  runColumns,
  seenColumns,
  sentColumns,
  sessionColumns,
  taskColumns,
  wayColumns,
} from './tables.ts';

/** What the statement does with the rows of one kind; `from` is what they are selected from, `r`. */
interface Part {
  readonly rows: Rows;
  readonly text: (from: string) => string;
}

/** Attempts as they are most often written: with few of their columns. The others may not be stored yet. */
export type PartName = 'sent' | 'stepped' | keyof Folded;

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

/**
 * Compare and set: a terminal attempt never changes again, nor one that was issued with another envelope or in a newer
 * session.
 */
const open = (
  next: string,
  hash: string,
  session: string,
): string => `attempt.state not in ('SUCCESSFUL', 'FAILED', 'CANCELED')
     and (attempt.envelope_hash is null or attempt.envelope_hash = ${next}.${hash})
     and (attempt.epoch is null or (attempt.epoch, coalesce(attempt.session_no, 0))
       <= (${next}.epoch, coalesce(${next}.${session}, 0)))`;
const openFor = open('r', '"envelopeHash"', '"sessionNo"');
const openForExcluded = open('excluded', 'envelope_hash', 'session_no');

/** Rows of the outbox, from columns or from records: one of every commit, however it is made. */
export const insertRuns = (
  from: string,
): string => `insert into event_run (id, first_id, after_id, topic, cluster_id, common, payloads, at)
   select r.id, r."firstId", (select coalesce(max(id), 0) from event_run), r.topic, r."clusterId", r.common, r.payloads, r.at
   from ${from}, fence`;
export const runRecords = inRecords(typed(runColumns));

export const parts: Readonly<Record<PartName, Part>> = {
  sent: {
    rows: inColumns([['id', 'id', 'text'], ...sentColumns]),
    text: (from) => `update attempt set state = 'RUNNING', dispatch = 'SENT', ${assigned(sentColumns)}
   from ${from}, fence where attempt.id = r.id and ${openFor} returning 1`,
  },
  stepped: {
    rows: inColumns([['id', 'id', 'text'], ...attemptSteps]),
    text: (from) => `update attempt set ${assigned(attemptSteps)}
   from ${from}, fence where attempt.id = r.id and ${openFor} returning 1`,
  },
  attempts: {
    rows: inColumns(attemptColumns),
    text: (from) => `insert into attempt (${attemptColumns.map(([, column]) => column).join(', ')})
   select ${attemptColumns.map(([name]) => `r."${name}"`).join(', ')} from ${from}, fence
   on conflict (id) do update set ${attemptChanges
     .map(
       ([, column]) =>
         `${column} = ${column === 'late' ? 'coalesce(attempt.late, excluded.late)' : `excluded.${column}`}`,
     )
     .join(', ')}
   where ${openForExcluded} returning 1`,
  },
  late: {
    rows: inRecords('id text, late jsonb'),
    text: (from) =>
      `update attempt set late = r.late from ${from}, fence where attempt.id = r.id and attempt.late is null`,
  },
  tasks: {
    rows: inColumns([['id', 'id', 'uuid'], ...taskColumns]),
    text: (from) => `update task set ${assigned(taskColumns)} from ${from}, fence where task.id = r.id`,
  },
  jobs: {
    rows: inRecords(`id uuid, ${typed(jobColumns)}`),
    text: (from) => `update job set ${assigned(jobColumns)} from ${from}, fence where job.id = r.id`,
  },
  components: {
    rows: inRecords('id uuid, desired text, once jsonb, configured jsonb, "stackDigest" text, way jsonb, seen jsonb'),
    text: (from) => `update host_component as c set
     desired = coalesce(r.desired, c.desired),
     once = case when r.once is null then c.once
       else (select jsonb_agg(distinct step) from jsonb_array_elements(c.once || r.once) as step) end,
     applied = coalesce(r.configured->'applied', c.applied),
     applied_values = coalesce(r.configured->'appliedValues', c.applied_values),
     config_version = coalesce((r.configured->>'configVersion')::int, c.config_version),
     stack_digest = coalesce(r."stackDigest", c.stack_digest),
     ${within('c', 'way', wayColumns)},
     ${within('c', 'seen', seenColumns)}
   from ${from}, fence where c.id = r.id`,
  },
  removed: {
    rows: inRecords('id uuid, service uuid'),
    text: (from) => `delete from host_component as c using ${from}, fence where c.id = r.id`,
  },
  hosts: {
    rows: inRecords('id uuid, connected boolean, "lastSeenAt" timestamptz, facts jsonb, session jsonb'),
    text: (from) => `update host as h set
     connected = coalesce(r.connected, h.connected),
     last_seen_at = coalesce(r."lastSeenAt", h.last_seen_at),
     facts = coalesce(r.facts, h.facts),
     ${within('h', 'session', sessionColumns)}
   from ${from}, fence where h.id = r.id`,
  },
  events: { rows: inColumns(runColumns), text: insertRuns },
};

/** After `removed`: services that leave with the last of their host components. */
export const leavingServices = (from: string): readonly string[] => [
  `leaving as (select distinct r.service as id from ${from}, fence
   where r.service is not null and not exists (
     select from host_component as c where c.service_id = r.service and c.id not in (select r.id from ${from})))`,
  'gone as (delete from service using leaving where service.id = leaving.id)',
  'forgotten as (delete from config_version using leaving where config_version.service_id = leaving.id)',
];
