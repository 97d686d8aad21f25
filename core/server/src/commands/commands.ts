import { randomUUID } from 'node:crypto';
import { setImmediate as untilSent } from 'node:timers/promises';
import { isTerminal } from '@stackyard/domain';
import type { CommandRequest } from '@stackyard/planner';
import type { EntityManager } from '@mikro-orm/postgresql';
import { NotFoundError, PreconditionFailedError } from '../api/errors.ts';
import { StoredPlan, type StoredPlanRow } from '../database/entities.ts';
import type { Engine, Issuable, Statements } from '../engine/ports.ts';
import { changesOf } from './apply.ts';
import { etagOf } from '../api/etag.ts';
import { type ClusterLook, readCluster, type StateSources } from './clusterState.ts';
import { CommandRefusedError, PlanExecutedError, PlanExpiredError, PlanStaleError } from './errors.ts';
import { type NewJob, newJob } from './newJob.ts';
import { type Planned, planCommand } from './planning.ts';
import { type PlanFields, readPlan } from './plans.ts';
import type { Renderer } from './renderer.ts';
import { type JobAnswer, statementFor } from './statement.ts';
import type { StoredRows } from './storedRows.ts';
import { sealRequest } from '../secrets/sealing.ts';
import type { Seals } from '../secrets/seals.ts';
import { type PlanView, viewOf } from './view.ts';

const PLAN_LIFE_MS = 3_600_000;
/** How often a command is planned anew when the cluster moves between planning and storing. */
const ATTEMPTS = 5;

/** The first tasks of a larger job are issued once it is stored: its request is not to wait for their envelopes. */
const ISSUED_AT_ONCE = 100;

/** How long a plan can still be read after it has expired. */
const PLAN_KEPT_MS = 7 * 24 * 3_600_000;

export interface By {
  readonly createdBy: string;
  readonly note?: string | undefined;
  /** What the plan says may be lost is known; a request may say so too. */
  readonly agree?: boolean | undefined;
  /** What is written down about the request, in the transaction that stores its job. */
  readonly records?: ((job: NewJob) => Pick<StoredRows, 'answers' | 'audit'>) | undefined;
}

/** What commands ask of the engine. */
type Orders = Pick<Engine, 'wake' | 'refreshWatch' | 'issuable' | 'forgo'>;

/** Plans commands, keeps plans for a look, and turns them into jobs. */
export class Commands {
  readonly #em: () => EntityManager;
  readonly #statements: Statements;
  readonly #sources: StateSources;
  readonly #renderer: Renderer;
  readonly #engine: Orders;
  readonly #seals: Seals;

  constructor(parts: {
    em: () => EntityManager;
    statements: Statements;
    sources: StateSources;
    renderer: Renderer;
    engine: Orders;
    seals: Seals;
  }) {
    this.#em = parts.em;
    this.#statements = parts.statements;
    this.#sources = parts.sources;
    this.#renderer = parts.renderer;
    this.#engine = parts.engine;
    this.#seals = parts.seals;
  }

  /** The newest state of a cluster (id or name), to plan a command on. @throws NotFoundError */
  async look(cluster: string): Promise<ClusterLook> {
    const look = await readCluster(cluster, this.#sources);
    if (!look) throw new NotFoundError({ what: 'cluster', name: cluster });
    return look;
  }

  /** Plans a command without doing anything, and keeps the plan for an hour. */
  async plan(look: ClusterLook, asked: CommandRequest, { createdBy }: By): Promise<StoredPlanRow> {
    const request = this.sealed(look, asked);
    const planned = await this.#think(look, request);
    const now = new Date();
    const row = {
      id: randomUUID(),
      clusterId: planned.state.id,
      basis: look.revision,
      request,
      view: (await viewOf(planned, this.#em())) satisfies PlanView as object,
      createdBy,
      createdAt: now,
      expiresAt: new Date(now.getTime() + PLAN_LIFE_MS),
      jobId: null,
    };
    const em = this.#em();
    await em.nativeDelete(StoredPlan, { expiresAt: { $lt: new Date(now.getTime() - PLAN_KEPT_MS) } });
    em.create(StoredPlan, row);
    await em.flush();
    return row;
  }

  /**
   * Executes a plan as it was shown.
   *
   * @param stored as it was just read
   * @throws PlanStaleError when the cluster moved on, PlanExpiredError, PlanExecutedError.
   */
  async execute(stored: PlanFields, by: By): Promise<NewJob> {
    refuseSpent(stored);
    const look = await this.look(stored.clusterId);
    const planned = await this.#think(look, stored.request);
    if (look.revision !== stored.basis) throw stale(look, stored.basis);
    requireAgreement(planned, by);
    const job = await this.#store(planned, { basis: stored.basis, plan: stored.id, by });
    if (job) return job;
    // Of two at once, the second learns which job the first one made.
    refuseSpent(await readPlan(this.#sources.sql, stored.id));
    throw stale(await this.look(stored.clusterId), stored.basis);
  }

  /** Plans and executes in one go: on the cluster as it was seen, and when it has moved on since, on its newest state. */
  async run(seen: ClusterLook, request: CommandRequest, by: By): Promise<NewJob> {
    let look = seen;
    for (let attempt = 1; ; attempt++) {
      const planned = await this.#think(look, this.sealed(look, request));
      requireAgreement(planned, by);
      const job = await this.#store(planned, { basis: look.revision, by });
      if (job) return job;
      const basis = look.revision;
      look = await this.look(look.state.id);
      if (attempt === ATTEMPTS) throw stale(look, basis);
    }
  }

  /**
   * Saves a new config version of a service and applies nothing.
   *
   * @throws PreconditionFailedError when somebody saved one since `configVersion`.
   */
  async save(
    clusterId: string,
    request: CommandRequest,
    by: By & { readonly service: string; readonly configVersion: number },
  ): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const look = await this.look(clusterId);
      const planned = await this.#think(look, this.sealed(look, request));
      const present = planned.state.services.find(({ name }) => name === by.service)?.configVersion ?? 0;
      if (present !== by.configVersion)
        throw new PreconditionFailedError({ what: `config of ${by.service}`, current: etagOf('config', present) });
      const basis = look.revision;
      const { rows, events } = changesOf(planned, { basis, ...by });
      if (await this.#statements.execute(statementFor({ id: planned.next.id, basis }, rows), events)) return;
      if (attempt === ATTEMPTS) throw stale(await this.look(clusterId), basis);
    }
  }

  /** Stores a job with what its command changes; undefined, and nothing is stored, when the basis has moved. */
  async #store(
    planned: Planned,
    { basis, plan, by }: { readonly basis: number; readonly plan?: string; readonly by: By },
  ): Promise<NewJob | undefined> {
    const changes = changesOf(planned, { basis, ...by });
    const made = newJob(planned, { basis: changes.revision, createdBy: by.createdBy });
    const { job, event } = made;
    const issued = await this.#issuable(made);
    const statement = statementFor(
      { id: job.clusterId, basis, plan },
      {
        ...changes.rows,
        ...made.rows(issued),
        ...by.records?.(job),
        ...(plan === undefined ? {} : { executed: [{ id: plan, jobId: job.id }] }),
      },
    );
    const answer = await this.#statements
      .execute<JobAnswer>(statement, [...changes.events, event])
      .catch((error: unknown) => {
        // It may have been stored although its answer was lost: then it is in the queue.
        this.#engine.forgo(job.id);
        this.#engine.wake(job.clusterId);
        throw error;
      });
    if (!answer) {
      this.#engine.forgo(job.id);
      return undefined;
    }
    if (!isTerminal(job.state)) this.#engine.wake(job.clusterId, made.stored(answer, issued));
    this.#refreshWatches(planned);
    // Agents begin with what was issued while the request is answered, not after it.
    if (issued.length > 0) await untilSent();
    return job;
  }

  /** An action takes its input from its request, whose keys come in another order from the database: it is issued from there. */
  async #issuable({ job, draft }: ReturnType<typeof newJob>): Promise<readonly Issuable[]> {
    if (job.taskCount > ISSUED_AT_ONCE || job.command === 'action') return [];
    const { row, tasks } = draft();
    return this.#engine.issuable(row, tasks);
  }

  /** A request as it may be planned and stored: with its secrets sealed. @throws CommandRefusedError */
  sealed<R extends CommandRequest>({ state }: ClusterLook, request: R): R {
    return sealRequest(request, state, this.#seals);
  }

  #refreshWatches({ change, plan }: Planned): void {
    const touched = new Set(plan.hosts);
    if (change.removedHostComponents.length + change.addedHostComponents.length + change.newConfigVersions.length > 0) {
      for (const hostId of touched) this.#engine.refreshWatch(hostId);
    }
  }

  #think({ state }: ClusterLook, request: CommandRequest): Promise<Planned> {
    return planCommand(state, request, { stacks: this.#sources.stacks, renderer: this.#renderer });
  }
}

function stale({ state, revision }: ClusterLook, basis: number): PlanStaleError {
  return new PlanStaleError({ cluster: state.name, basis, revision });
}

/** @throws CommandRefusedError with what may be lost, where nobody has agreed to that */
function requireAgreement({ plan: { request, danger } }: Planned, { agree }: By): void {
  if (danger === undefined || agree || (request.command === 'action' && request.agree)) return;
  const sentence = /[.!?]$/.test(danger) ? danger : `${danger}.`;
  const message = `${sentence} Say "agree": true to run ${request.command === 'action' ? request.action : request.command} all the same.`;
  throw new CommandRefusedError({ errors: [{ code: 'AGREEMENT_MISSING', message, pointer: '/agree' }] });
}

/** @throws PlanExecutedError, PlanExpiredError */
function refuseSpent({ id, jobId, expiresAt }: PlanFields): void {
  if (jobId) throw new PlanExecutedError({ plan: id, job: jobId });
  if (expiresAt.getTime() < Date.now()) throw new PlanExpiredError({ plan: id });
}
