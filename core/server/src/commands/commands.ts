import { randomUUID } from 'node:crypto';
import type { CommandRequest } from '@stackyard/planner';
import { type EntityManager, LockMode } from '@mikro-orm/postgresql';
import { NotFoundError, PreconditionFailedError } from '../api/errors.ts';
import { StoredPlan, type StoredPlanRow } from '../database/entities.ts';
import type { Engine, Transaction, Transactions } from '../engine/ports.ts';
import type { StackStore } from '../stacks/store.ts';
import { applyChange, applyPlan } from './apply.ts';
import type { NewJob } from './storeJob.ts';
import { etagOf } from '../api/etag.ts';
import { readCluster } from './clusterState.ts';
import { PlanExecutedError, PlanExpiredError, PlanStaleError } from './errors.ts';
import { type Planned, planCommand } from './planning.ts';
import type { Renderer } from './renderer.ts';
import { type PlanView, viewOf } from './view.ts';

const PLAN_LIFE_MS = 3_600_000;
/** How often a command is planned anew when the cluster moves between planning and storing. */
const ATTEMPTS = 5;

/** How long a plan can still be read after it has expired. */
const PLAN_KEPT_MS = 7 * 24 * 3_600_000;

export interface By {
  readonly createdBy: string;
  readonly note?: string | undefined;
  /** Runs in the transaction that stores the job. */
  readonly alongside?: ((tx: Transaction, job: NewJob) => Promise<void>) | undefined;
}

/** Plans commands, keeps plans for a look, and turns them into jobs. */
export class Commands {
  readonly #em: () => EntityManager;
  readonly #transactions: Transactions;
  readonly #stacks: StackStore;
  readonly #renderer: Renderer;
  readonly #engine: Pick<Engine, 'wake' | 'reachable' | 'refreshWatch'>;

  constructor(parts: {
    em: () => EntityManager;
    transactions: Transactions;
    stacks: StackStore;
    renderer: Renderer;
    engine: Pick<Engine, 'wake' | 'reachable' | 'refreshWatch'>;
  }) {
    this.#em = parts.em;
    this.#transactions = parts.transactions;
    this.#stacks = parts.stacks;
    this.#renderer = parts.renderer;
    this.#engine = parts.engine;
  }

  /** Plans a command on a cluster (id or name) without doing anything, and keeps the plan for an hour. */
  async plan(cluster: string, request: CommandRequest, { createdBy }: By): Promise<StoredPlanRow> {
    const { planned, revision } = await this.#think(cluster, request);
    const now = new Date();
    const row = {
      id: randomUUID(),
      clusterId: planned.state.id,
      basis: revision,
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
   * @throws PlanStaleError when the cluster moved on, PlanExpiredError, PlanExecutedError.
   */
  async execute(planId: string, by: By): Promise<NewJob> {
    const stored = await this.#em().findOne(StoredPlan, { id: planId });
    if (!stored) throw new NotFoundError({ what: 'plan', name: planId });
    refuseSpent(stored);
    const { planned, revision, cluster } = await this.#think(stored.clusterId, stored.request);
    if (revision !== stored.basis) throw new PlanStaleError({ cluster, basis: stored.basis, revision });
    const job = await this.#transactions.run(async (tx) => {
      // Asked again under its lock: of two at once, the second learns which job the first one made.
      const plan = await tx.em.findOneOrFail(StoredPlan, { id: planId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
      refuseSpent(plan);
      const made = await applyPlan(tx, { planned, basis: stored.basis, ...by });
      plan.jobId = made.id;
      await by.alongside?.(tx, made);
      return made;
    });
    this.#started(planned);
    return job;
  }

  /** Plans and executes in one go, on the newest state of the cluster (id or name). */
  async run(cluster: string, request: CommandRequest, by: By): Promise<NewJob> {
    for (let attempt = 1; ; attempt++) {
      const { planned, revision } = await this.#think(cluster, request);
      try {
        const job = await this.#transactions.run(async (tx) => {
          const made = await applyPlan(tx, { planned, basis: revision, ...by });
          await by.alongside?.(tx, made);
          return made;
        });
        this.#started(planned);
        return job;
      } catch (error) {
        if (!(error instanceof PlanStaleError) || attempt === ATTEMPTS) throw error;
      }
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
      const { planned, revision } = await this.#think(clusterId, request);
      const present = planned.state.services.find(({ name }) => name === by.service)?.configVersion ?? 0;
      if (present !== by.configVersion)
        throw new PreconditionFailedError({ what: `config of ${by.service}`, current: etagOf('config', present) });
      try {
        await this.#transactions.run((tx) => applyChange(tx, { planned, basis: revision, ...by }));
        return;
      } catch (error) {
        if (!(error instanceof PlanStaleError) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  #started({ next, change, plan }: Planned): void {
    this.#engine.wake(next.id);
    const touched = new Set(plan.hosts);
    if (change.removedHostComponents.length + change.addedHostComponents.length + change.newConfigVersions.length > 0) {
      for (const hostId of touched) this.#engine.refreshWatch(hostId);
    }
  }

  async #think(
    cluster: string,
    request: CommandRequest,
  ): Promise<{ planned: Planned; revision: number; cluster: string }> {
    const read = await readCluster(this.#em(), cluster, {
      stacks: this.#stacks,
      reachable: (hostId) => this.#engine.reachable(hostId),
    });
    if (!read) throw new NotFoundError({ what: 'cluster', name: cluster });
    const planned = await planCommand(read.state, request, { stacks: this.#stacks, renderer: this.#renderer });
    return { planned, revision: read.revision, cluster: read.state.name };
  }
}

/** @throws PlanExecutedError, PlanExpiredError */
function refuseSpent({ id, jobId, expiresAt }: StoredPlanRow): void {
  if (jobId) throw new PlanExecutedError({ plan: id, job: jobId });
  if (expiresAt.getTime() < Date.now()) throw new PlanExpiredError({ plan: id });
}
