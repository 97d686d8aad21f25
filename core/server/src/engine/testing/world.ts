import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { noTasks, type Phase } from '@stackyard/domain';
import { createLogger, systemClock } from '@stackyard/kernel';
import { encodeEnvelope, type Envelope } from '@stackyard/proto';
import { encodeGraph, GraphBuilder } from '@stackyard/planner';
import { beginEpoch } from '../../database/epoch.ts';
import {
  Attempt,
  Cluster,
  HostComponent,
  Job,
  JoinToken,
  type JobRow,
  Service,
  Task,
  type TaskRow,
} from '../../database/entities.ts';
import { type Database, openDatabase } from '../../database/openDatabase.ts';
import { createEngine, type RunningEngine } from '../engine.ts';
import type { BlobSource } from '../gateway/download.ts';
import { hashToken } from '../../access/tokens.ts';
import { Enrolment } from '../../enrolment/enrolment.ts';
import { Identity } from '../../identity/identity.ts';
import { type AgentCredentials, newRequest } from '../../identity/testing.ts';
import { DiskLogStore } from '../logs.ts';
import type { EnvelopeSource } from '../ports.ts';
import type { EngineSettings } from '../settings.ts';
import { ScriptedAgent } from './agent.ts';

export interface TestTask {
  readonly host: ScriptedAgent;
  readonly phase?: Phase;
  readonly idempotent?: boolean;
  /** Indexes of tasks it waits for. */
  readonly after?: readonly number[];
  readonly hostComponentId?: string;
}

function plainEnvelope(job: JobRow, task: TaskRow, attempt: number): Envelope {
  return {
    taskId: task.id,
    attempt,
    jobId: job.id,
    phase: task.phase,
    idempotent: task.idempotent,
    timeoutMs: task.timeoutMs,
    values: { 'zoo.cfg': { entries: { port: { number: 2181 } } } },
  };
}

/** Envelopes that carry little more than the ids. */
export const plainEnvelopes: EnvelopeSource = {
  envelopeOf: async (job, task, attempt) => plainEnvelope(job, task, attempt),
  foresee: async () => undefined,
  envelopeNow: (job, task, attempt) => plainEnvelope(job, task, attempt),
  release: () => undefined,
  watchedOn: () => Promise.resolve([]),
};

/** A database with servers and agents around it; `clean` ends all of them, also after a failure. */
export class EngineWorld {
  readonly db: Database;
  readonly agents: ScriptedAgent[] = [];
  readonly dir: string;
  readonly #settings: Partial<EngineSettings>;
  readonly #engines: RunningEngine[] = [];
  #identity: Identity | undefined;
  engine: RunningEngine | undefined;
  address = '';
  epoch = 0;
  envelopes: EnvelopeSource = plainEnvelopes;
  identityOptions: { readonly certificateLifeMs?: number } = {};
  blobs: BlobSource = { open: () => undefined };

  private constructor(db: Database, dir: string, settings: Partial<EngineSettings>) {
    this.db = db;
    this.dir = dir;
    this.#settings = settings;
  }

  static async open(url: string, settings: Partial<EngineSettings> = {}): Promise<EngineWorld> {
    const dir = await mkdtemp(join(tmpdir(), 'stackyard-engine-'));
    return new EngineWorld(await openDatabase({ url }), dir, {
      heartbeatMs: 200,
      leaseMs: 1200,
      lostAfterMs: 60_000,
      ...settings,
    });
  }

  get identity(): Identity {
    if (!this.#identity) throw new Error('The server of this world has not started.');
    return this.#identity;
  }

  get logs(): DiskLogStore {
    return new DiskLogStore({ dir: join(this.dir, 'logs') });
  }

  /** Starts a server on the database; the one before is left as it is. */
  async serve(settings: Partial<EngineSettings> = {}): Promise<RunningEngine> {
    const { installId, epoch } = await beginEpoch(this.db);
    this.epoch = epoch;
    const identity = await this.#openIdentity(installId);
    const engine = createEngine({
      db: this.db,
      epoch,
      identity,
      envelopes: this.envelopes,
      logs: this.logs,
      blobs: this.blobs,
      openSecret: () => {
        throw new Error('No test of the engine has secrets.');
      },
      log: createLogger({ level: process.env['ENGINE_LOG'] === undefined ? 'silent' : 'debug' }),
      clock: systemClock,
      settings: { ...this.#settings, ...settings },
    });
    this.#engines.push(engine);
    await engine.start();
    const { port } = await engine.listen({ host: '127.0.0.1', port: 0 });
    this.engine = engine;
    this.address = `127.0.0.1:${port}`;
    return engine;
  }

  /** The server dies as by kill -9, and another one starts. */
  async restart(settings: Partial<EngineSettings> = {}): Promise<RunningEngine> {
    this.engine?.abandon();
    return await this.serve(settings);
  }

  /** Copies what jobs have come to; the answer puts the copy back, as a restored backup does, and starts another server. */
  async backup(): Promise<() => Promise<void>> {
    const tables = ['job', 'task', 'attempt'];
    const { sql } = this.db;
    for (const table of tables) await sql.query(`create table backup_${table} as table ${table}`);
    return async () => {
      this.engine?.abandon();
      for (const table of tables.toReversed()) await sql.query(`delete from ${table}`);
      for (const table of tables) await sql.query(`insert into ${table} select * from backup_${table}`);
      await this.serve();
    };
  }

  async agent(name: string, { connect = true } = {}): Promise<ScriptedAgent> {
    const agent = new ScriptedAgent(await this.join(name));
    this.agents.push(agent);
    if (connect) await agent.connect(this.address);
    return agent;
  }

  /** Lets a host join, or join again. */
  async join(hostName: string): Promise<AgentCredentials> {
    const { key, request } = await newRequest();
    const enrolment = new Enrolment({
      sql: this.db.sql,
      transactions: this.engine!.events,
      identity: this.identity,
      clock: systemClock,
      onJoined: (hostId) => this.engine!.rejoined(hostId),
    });
    const enrolled = await enrolment.join({ token: await this.token(hostName), hostName, request });
    if (!enrolled) throw new Error(`The host ${hostName} was not let in.`);
    return { ...enrolled, key };
  }

  /** Another process with the same credentials. */
  twin({ credentials, journalId }: ScriptedAgent): ScriptedAgent {
    const twin = new ScriptedAgent(credentials);
    twin.journalId = journalId;
    this.agents.push(twin);
    return twin;
  }

  /** Of the envelope that the task's first attempt would be sent. */
  async hashOf(jobId: string, taskId: string): Promise<string> {
    const em = this.db.em();
    const job = await em.findOneOrFail(Job, { id: jobId }, { populate: ['graph', 'snapshot'] });
    const task = await em.findOneOrFail(Task, { id: taskId });
    const envelope = await this.envelopes.envelopeOf(job, task, 1, AbortSignal.timeout(5000));
    return createHash('sha256').update(encodeEnvelope(envelope)).digest('hex');
  }

  async token(hostName: string, { forMs = 60_000 } = {}): Promise<string> {
    const token = randomBytes(24).toString('base64url');
    const em = this.db.em();
    const now = Date.now();
    em.create(JoinToken, {
      hash: hashToken(token),
      hostName,
      expiresAt: new Date(now + forMs),
      usedAt: null,
      createdBy: 'test',
      createdAt: new Date(now),
    });
    await em.flush();
    return token;
  }

  async cluster(name: string): Promise<string> {
    const em = this.db.em();
    const cluster = em.create(Cluster, { id: randomUUID(), name, title: null, revision: 1, createdAt: new Date() });
    await em.flush();
    return cluster.id;
  }

  async component(
    clusterId: string,
    host: ScriptedAgent,
    service = 'zookeeper',
  ): Promise<{ id: string; serviceId: string }> {
    const em = this.db.em();
    const now = new Date();
    const serviceId = randomUUID();
    em.create(Service, {
      id: serviceId,
      clusterId,
      name: service,
      stackName: service,
      stackVersion: '1.0.0',
      stackDigest: 'sha512-x',
      configVersion: 3,
      generated: {},
      nextOrdinals: {},
      createdAt: now,
    });
    const row = em.create(HostComponent, {
      id: randomUUID(),
      clusterId,
      serviceId,
      service,
      component: 'server',
      hostId: host.id,
      ordinal: 1,
      desired: 'ABSENT',
      observed: 'UNKNOWN',
      observedAt: null,
      observedMessage: null,
      role: null,
      restarts: 0,
      pid: null,
      applied: null,
      appliedValues: null,
      configVersion: null,
      once: [],
      createdAt: now,
    });
    await em.flush();
    return { id: row.id, serviceId };
  }

  /** Stores a job and wakes the engine. */
  async job(...job: Parameters<EngineWorld['stored']>): Promise<string> {
    const id = await this.stored(...job);
    this.engine!.wake(job[0]);
    return id;
  }

  /** Stores a job as the commands do, and tells nobody. */
  async stored(
    clusterId: string,
    tasks: readonly TestTask[],
    snapshot: Partial<JobRow['snapshot']> = {},
  ): Promise<string> {
    const id = randomUUID();
    const builder = new GraphBuilder();
    tasks.forEach(() => builder.addTask());
    tasks.forEach(({ after = [] }, node) => after.forEach((before) => builder.edge(before, node)));
    const now = new Date();
    await this.engine!.events.run(async (tx) => {
      const last = await tx.em.findOne(
        Job,
        { position: { $gte: 0 } },
        { orderBy: { position: 'desc' }, fields: ['position'] },
      );
      tx.em.create(Job, {
        id,
        clusterId,
        position: (last?.position ?? 0) + 1,
        command: 'add',
        title: 'Test',
        request: { command: 'add', services: [] },
        state: 'PENDING',
        reason: null,
        cancelRequested: false,
        pause: null,
        basis: 1,
        graph: Buffer.from(encodeGraph(builder.toGraph())),
        snapshot: { id: clusterId, name: 'c', hosts: [], services: [], leaving: [], files: {}, ...snapshot },
        taskCount: tasks.length,
        counts: { ...noTasks, PENDING: tasks.length },
        createdBy: 'test',
        createdAt: now,
        startedAt: null,
        finishedAt: null,
      });
      const taskRows = tasks.map(
        ({ host, phase = 'check', idempotent = true, hostComponentId = randomUUID() }, node) => ({
          id: randomUUID(),
          jobId: id,
          node,
          clusterId,
          hostId: host.id,
          hostComponentId,
          service: 'zookeeper',
          component: 'server',
          phase,
          timeoutMs: 60_000,
          idempotent,
          deleteData: false,
          state: 'PENDING' as const,
          reason: null,
          attempts: 1,
          startedAt: null,
          finishedAt: null,
        }),
      );
      await tx.em.insertMany(Task, taskRows);
      await tx.em.insertMany(
        Attempt,
        taskRows.map((task) => ({
          id: `${task.id}/1`,
          taskId: task.id,
          jobId: id,
          hostId: task.hostId,
          number: 1,
          state: 'PENDING' as const,
          logSize: 0,
        })),
      );
    });
    return id;
  }

  async jobRow(id: string): Promise<Pick<JobRow, 'state' | 'reason' | 'counts' | 'position'>> {
    const { rows } = await this.db.sql.query('select state, reason, counts, position from job where id = $1', [id]);
    return rows[0];
  }

  /** Tasks in order of their nodes: state, reason and number of the latest attempt, such as `FAILED LOST 2`. */
  async tasks(jobId: string): Promise<string[]> {
    const { rows } = await this.db.sql.query<{ said: string }>(
      `select concat_ws(' ', state, reason, attempts) as said from task where job_id = $1 order by node`,
      [jobId],
    );
    return rows.map(({ said }) => said);
  }

  async attempts(jobId: string): Promise<{ id: string; state: string; reason: string | null; late: object | null }[]> {
    const { rows } = await this.db.sql.query(
      `select a.id, a.state, a.reason, a.late from attempt as a join task as t on t.id = a.task_id
       where a.job_id = $1 order by t.node, a.number`,
      [jobId],
    );
    return rows;
  }

  /** Waits for the job's end, 20 s at most, and answers its state. */
  async ended(jobId: string): Promise<string> {
    await until(async () => !['PENDING', 'RUNNING'].includes((await this.jobRow(jobId)).state));
    return (await this.jobRow(jobId)).state;
  }

  async #openIdentity(installId: string): Promise<Identity> {
    this.#identity?.close();
    this.#identity = await Identity.open({
      dir: join(this.dir, 'identity'),
      installId,
      sql: this.db.sql,
      clock: systemClock,
      log: createLogger({ level: 'silent' }),
      ...this.identityOptions,
    });
    return this.#identity;
  }

  async clean(): Promise<void> {
    this.#identity?.close();
    for (const agent of this.agents) agent.cut();
    for (const engine of this.#engines) engine.abandon();
    await this.db.close();
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** Waits until the condition holds. @throws Error when it does not within the limit. */
export async function until(holds: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<void> {
  const limit = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > limit) throw new Error(`Not so within ${limitMs} ms: ${holds.toString()}`);
    await delay(10);
  }
}
