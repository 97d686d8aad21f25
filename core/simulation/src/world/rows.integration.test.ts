import type { Batch } from '@stackyard/server/engine';
import {
  outbox,
  beginEpoch,
  type Database,
  openDatabase,
  startTestPostgres,
  type TestPostgres,
  WriterConnection,
} from '@stackyard/server/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Random } from '../time/random.ts';
import { AT, randomBatch } from './randomBatches.ts';
import { carryOut } from './requests.ts';
import { type Applied, apply, type AttemptRow, type HostRow, type Tables } from './rows.ts';
import { clusterId, hostId, submissionOf } from './workload.ts';

const COMMITS = 300;
const HOSTS = 3;
const task = {
  durationMs: 0,
  exitCode: 0,
  idempotent: true,
  timeoutMs: 1,
  startWithinMs: 1,
  logBytes: 0,
  prepareMs: 0,
  runnerMs: 0,
  onTerm: 'ends',
  forks: false,
} as const;

let postgres: TestPostgres;
let db: Database;
let connections: WriterConnection[] = [];
beforeAll(async () => {
  postgres = await startTestPostgres('embedded');
});
afterAll(() => postgres?.stop());
beforeEach(async () => {
  db = await openDatabase({ url: await postgres.createDatabase() });
});
afterEach(async () => {
  for (const connection of connections.splice(0)) connection.close();
  await db?.close();
});

test.each([1, 2, 3])('the model of the database makes the rows that PostgreSQL makes: seed %i', async (seed) => {
  const random = new Random(seed);
  const tables = await firstRows();
  const { epoch } = tables.installation;
  connections = [new WriterConnection(db, epoch), new WriterConnection(db, epoch - 1)];
  const outcomes = new Set<Applied>();
  let commitNo = 0;
  for (let count = 0; count < COMMITS; count += 1) {
    // Now and then by a server of another epoch, or for the second time.
    const isFenced = random.chance(0.05);
    if (random.chance(0.95)) commitNo += 1;
    const batch = randomBatch(random, tables);
    const modeled = apply(tables, { epoch: isFenced ? epoch - 1 : epoch, commitNo, batch });
    expect({ count, outcome: await write(connections[isFenced ? 1 : 0]!, commitNo, batch) }).toEqual({
      count,
      outcome: modeled,
    });
    outcomes.add(modeled);
    expect({ count, ...(await stored()) }).toEqual({ count, ...asStored(tables) });
  }
  expect(outcomes).toEqual(new Set(['done', 'fenced', 'refused']));
  const rows = [...tables.attempts.values()];
  expect(new Set(rows.map(({ state }) => state))).toEqual(new Set(['PENDING', 'RUNNING', ...over]));
  expect(rows.some(({ late }) => late)).toBe(true);
});

const over = ['SUCCESSFUL', 'FAILED', 'CANCELED'];

async function write(connection: WriterConnection, commitNo: number, batch: Batch): Promise<Applied> {
  try {
    return (await connection.write(commitNo, batch)).fenced ? 'fenced' : 'done';
  } catch (error) {
    // Broken constraints.
    if ((error as { code?: string }).code?.startsWith('23')) return 'refused';
    throw error;
  }
}

/** Jobs on three hosts, in the database and in the model. */
async function firstRows(): Promise<Tables> {
  const { installId, epoch } = await beginEpoch(db);
  const hosts = Array.from({ length: HOSTS }, (_, index): HostRow => {
    const nothing = { journalId: null, hostBootId: null, connected: false, lastSeenAt: null };
    return { id: hostId(index), name: `h${index}`, clusterId: clusterId(0), sessionNo: 0, ...nothing };
  });
  const tables: Tables = {
    installation: { installId, epoch, commitNo: 0 },
    hosts: new Map(hosts.map((host) => [host.id, host])),
    jobs: new Map(),
    tasks: new Map(),
    attempts: new Map(),
    events: new Set(),
  };
  for (let job = 0; job < 20; job += 1) {
    const tasks = Array.from({ length: HOSTS }, (_, host) => ({ ...task, name: host, host }));
    carryOut(tables, submissionOf({ name: job, cluster: 0, at: 0, layers: [{ barrier: true, tasks }] }));
  }
  for (const { id, name, clusterId: cluster } of hosts) {
    await insert('host', { id, name, clusterId: cluster, address: '', bind: '', root: '', local: false });
  }
  for (const job of tables.jobs.values()) await insert('job', job);
  for (const row of tables.tasks.values()) await insert('task', row);
  for (const row of tables.attempts.values()) await insert('attempt', row);
  return tables;
}

async function insert(table: string, row: object): Promise<void> {
  const entries = Object.entries(table === 'host' ? { ...row, sessionNo: 0, connected: false, joinedAt: AT } : row);
  const columns = entries.map(([name]) => columnOf(name)).join(', ');
  const places = entries.map((_entry, index) => `$${index + 1}`).join(', ');
  const values = entries.map(([, value]): unknown => value);
  await db.sql.query(`insert into ${table} (${columns}) values (${places})`, values);
}

const compared = {
  attempts: [
    'id',
    'taskId',
    'jobId',
    'hostId',
    'number',
    'state',
    'dispatch',
    'reason',
    'message',
    'envelopeHash',
    'epoch',
    'sessionNo',
    'journalId',
    'exitCode',
    'signal',
    'outputs',
    'logSize',
    'issuedAt',
    'startedAt',
    'finishedAt',
    'durationMs',
    'late',
  ],
  tasks: ['id', 'state', 'reason', 'attempts', 'startedAt', 'finishedAt'],
  jobs: ['id', 'state', 'reason', 'cancelRequested', 'pause', 'position', 'counts', 'startedAt', 'finishedAt'],
  hosts: ['id', 'sessionNo', 'journalId', 'hostBootId', 'connected', 'lastSeenAt'],
} as const satisfies Partial<Record<keyof Tables, readonly string[]>>;
const kinds = ['attempts', 'tasks', 'jobs', 'hosts'] as const;

/** All rows as the database has them. */
async function stored(): Promise<object> {
  const read = async (text: string): Promise<unknown[]> => (await db.sql.query<object>(text)).rows;
  const rows: Record<string, unknown> = {};
  for (const kind of kinds) {
    const columns = compared[kind].map((name) => `${columnOf(name)} as "${name}"`);
    rows[kind] = await read(`select ${columns.join(', ')} from ${kind.slice(0, -1)} order by id`);
  }
  const installation = await read(`select epoch, commit_no as "commitNo" from installation where id = 1`);
  return { ...rows, installation, events: (await read(`select id from ${outbox} order by id`)) as { id: number }[] };
}

/** The same of the model. */
function asStored(tables: Tables): object {
  const rows = kinds.map((kind) => {
    const sorted = [...tables[kind].values()].toSorted((left, right) => (left.id < right.id ? -1 : 1));
    return [
      kind,
      sorted.map((row) => fieldsOf(kind === 'attempts' ? cleaned(row as AttemptRow) : row, compared[kind])),
    ];
  });
  const { epoch, commitNo } = tables.installation;
  const events = [...tables.events].toSorted((left, right) => left - right).map((id) => ({ id }));
  return { ...Object.fromEntries(rows), installation: [{ epoch, commitNo }], events };
}

/** PostgreSQL takes neither half a pair nor NUL; the writer says something else instead. */
function cleaned(row: AttemptRow): AttemptRow {
  return { ...row, message: row.message?.replaceAll('\u0000', '').replaceAll('\ud800', '\ufffd') ?? null };
}

function fieldsOf(row: object, names: readonly string[]): object {
  return Object.fromEntries(names.map((name) => [name, row[name as keyof typeof row]]));
}

function columnOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
