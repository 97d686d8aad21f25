import { defineRoute, type Route, type RouteRequest } from '@stackyard/contract';
import { z } from 'zod';
import { keepAnswer } from '../../access/idempotencyStore.ts';
import { clusterIdOf, isUuid } from '../../clusters/lookup.ts';
import type { By } from '../../commands/commands.ts';
import type { NewJob } from '../../commands/storeJob.ts';
import { PlanView } from '../../commands/view.ts';
import { StoredPlan, type StoredPlanRow } from '../../database/entities.ts';
import type { Transaction } from '../../engine/ports.ts';
import { NotFoundError } from '../errors.ts';
import { ClusterParams } from './clusters.ts';
import type { RouteParts } from './parts.ts';
import { JobView, jobView, Values } from './views.ts';

const HostNames = z.array(z.string().min(1).max(253)).max(5_000);
const Target = z
  .strictObject({
    service: z.string().max(63).optional(),
    component: z.string().max(63).optional(),
    hosts: HostNames.min(1).optional().describe('Host names'),
  })
  .describe('What the command is for; what is absent does not restrict, {} is the whole cluster');
const Note = z.string().max(250).optional();

/** A command as it is asked for: discriminated by its name, closed, nothing coerced. */
export const CommandBody = z
  .discriminatedUnion('command', [
    z.strictObject({
      command: z.literal('add'),
      services: z
        .array(
          z.strictObject({
            service: z.string().max(63),
            stack: z.string().max(200).optional(),
            version: z.string().max(100).optional().describe("The stack's version; the newest installed when absent"),
            components: z
              .record(z.string().max(63), HostNames)
              .optional()
              .describe('Host names by component; what is absent is placed by its cardinality'),
            config: Values.optional(),
            overrides: z.record(z.string().max(253), Values).optional().describe('By host name'),
          }),
        )
        .min(1)
        .max(50),
      note: Note,
    }),
    z.strictObject({ command: z.enum(['start', 'stop', 'restart', 'check']), target: Target, note: Note }),
    z.strictObject({
      command: z.literal('configure'),
      target: Target,
      config: Values.optional().describe('Replaces what is set for the service first'),
      overrides: z.record(z.string().max(253), Values).optional(),
      restart: z.boolean().optional().describe('false saves and applies nothing'),
      note: Note,
    }),
    z.strictObject({
      command: z.literal('remove'),
      target: Target,
      data: z.enum(['keep', 'delete']).describe('What becomes of data directories'),
      lost: z.boolean().optional().describe('The hosts will not come back: nothing runs on them'),
      note: Note,
    }),
  ])
  .meta({ id: 'Command', example: { command: 'restart', target: { service: 'zookeeper' } } });

const StoredPlanView = z
  .object({
    id: z.string(),
    clusterId: z.string(),
    basis: z.int().describe('The revision of the cluster it was made for'),
    createdBy: z.string(),
    createdAt: z.string(),
    expiresAt: z.string(),
    jobId: z.string().nullable(),
    plan: PlanView,
  })
  .meta({ id: 'Plan' });

export function commandRoutes({ em, commands }: RouteParts): Route[] {
  const clusterOf = ({ params }: { params: { cluster: string } }) => clusterIdOf(em(), params.cluster);
  const storedPlan = async (id: string): Promise<StoredPlanRow> => {
    const row = isUuid(id) ? await em().findOne(StoredPlan, { id }) : null;
    if (!row) throw new NotFoundError({ what: 'plan', name: id });
    return row;
  };
  const planClusterOf = async ({ params }: { params: { plan: string } }) => (await storedPlan(params.plan)).clusterId;
  const accepted = (job: NewJob) => ({
    status: 202,
    headers: { location: `/api/v1/jobs/${job.id}` },
    body: jobView(job),
  });

  /** Who asks, and what is stored with the job: the answer, under the key of the request. */
  const by = ({ principal, headers }: Pick<RouteRequest, 'principal' | 'headers'>, note: string | undefined): By => {
    const key = headers['idempotency-key'];
    const keep = (tx: Transaction, job: NewJob) =>
      keepAnswer(tx.em, { principal: principal.id, key: String(key) }, accepted(job));
    return { createdBy: principal.name, note, ...(typeof key === 'string' ? { alongside: keep } : {}) };
  };

  const runCommand = defineRoute({
    method: 'POST',
    url: '/clusters/:cluster/commands',
    operationId: 'runCommand',
    tag: 'commands',
    summary: 'Run a command',
    description:
      'Plans the command on the newest state of the cluster and queues it as a job: first in, first out per cluster. To look before, make a plan.',
    permission: { action: 'operate', resource: 'cluster' },
    audit: 'command.run',
    idempotent: true,
    clusterOf,
    params: ClusterParams,
    body: CommandBody,
    answers: { 202: { description: 'The job', schema: JobView } },
    problems: [404, 409, 422],
    handle: async ({ params, body, ...asked }) => {
      const { note, ...request } = body;
      return accepted(await commands.run(params.cluster, request, by(asked, note)));
    },
  });

  const createPlan = defineRoute({
    method: 'POST',
    url: '/clusters/:cluster/plans',
    operationId: 'createPlan',
    tag: 'plans',
    summary: 'Plan a command without running it',
    description:
      'Shows tasks, rendered diffs, restarts, affected hosts and warnings. The plan can be executed for an hour, as long as the cluster does not change.',
    permission: { action: 'read', resource: 'plan' },
    audit: 'plan.create',
    clusterOf,
    params: ClusterParams,
    body: CommandBody,
    answers: { 201: { description: 'The plan', schema: StoredPlanView } },
    problems: [404, 422],
    handle: async ({ params, body, principal }) => {
      const { note: _note, ...request } = body;
      const row = await commands.plan(params.cluster, request, { createdBy: principal.name });
      return { status: 201, headers: { location: `/api/v1/plans/${row.id}` }, body: planView(row) };
    },
  });

  const getPlan = defineRoute({
    method: 'GET',
    url: '/plans/:plan',
    operationId: 'getPlan',
    tag: 'plans',
    summary: 'Read a plan',
    description: 'As it was made.',
    permission: { action: 'read', resource: 'plan' },
    audit: 'none',
    clusterOf: planClusterOf,
    params: z.strictObject({ plan: z.string().max(36) }),
    answers: { 200: { description: 'The plan', schema: StoredPlanView } },
    problems: [404],
    handle: async ({ params }) => ({ body: planView(await storedPlan(params.plan)) }),
  });

  const executePlan = defineRoute({
    method: 'POST',
    url: '/plans/:plan/execute',
    operationId: 'executePlan',
    tag: 'plans',
    summary: 'Execute a plan',
    description:
      'Runs exactly what was shown. Refused when the cluster changed since, when the plan was executed already, or after an hour.',
    permission: { action: 'operate', resource: 'cluster' },
    audit: 'plan.execute',
    idempotent: true,
    clusterOf: planClusterOf,
    params: z.strictObject({ plan: z.string().max(36) }),
    body: z.strictObject({ note: Note }),
    answers: { 202: { description: 'The job', schema: JobView } },
    problems: [404, 409, 410, 422],
    handle: async ({ params, body, ...asked }) =>
      accepted(await commands.execute((await storedPlan(params.plan)).id, by(asked, body.note))),
  });

  return [runCommand, createPlan, getPlan, executePlan];
}

function planView(row: StoredPlanRow): z.infer<typeof StoredPlanView> {
  const { id, clusterId, basis, createdBy } = row;
  return {
    id,
    clusterId,
    basis,
    createdBy,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    jobId: row.jobId ?? null,
    plan: row.view as PlanView,
  };
}
