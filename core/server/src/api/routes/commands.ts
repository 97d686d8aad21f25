import { defineRoute, type Route, type RouteRequest } from '@stackyard/contract';
import { z } from 'zod';
import type { By } from '../../commands/commands.ts';
import type { ClusterLook } from '../../commands/clusterState.ts';
import type { NewJob } from '../../commands/newJob.ts';
import { type PlanFields, readPlan, readWholePlan } from '../../commands/plans.ts';
import { PlanView } from '../../commands/view.ts';
import type { StoredPlanRow } from '../../database/entities.ts';
import { recordingOf } from '../recording.ts';
import { ClusterParams } from './clusters.ts';
import type { RouteParts } from './parts.ts';
import { JobView, Json, jobView, Values } from './views.ts';

const HostNames = z.array(z.string().min(1).max(253)).max(5_000);
const Target = z
  .strictObject({
    service: z.string().max(63).optional(),
    component: z.string().max(63).optional(),
    hosts: HostNames.min(1).optional().describe('Host names'),
  })
  .describe('What the command is for; what is absent does not restrict, {} is the whole cluster');
const Note = z.string().max(250).optional();
const Agree = z
  .boolean()
  .optional()
  .describe('true: what may be lost, as `danger` of the plan says it, is known; needed where a plan has one');

/** Services to add, or components to add to services that are there. */
export const Additions = z
  .array(
    z.strictObject({
      service: z.string().max(63),
      stack: z.string().max(200).optional(),
      version: z.string().max(100).optional().describe("The stack's version; the newest installed when absent"),
      components: z
        .record(z.string().max(63), HostNames)
        .optional()
        .describe('Host names by component; what is absent is placed as recommended'),
      profile: z
        .string()
        .max(63)
        .optional()
        .describe('Sizes that the stack offers by a word, such as small; `config` and `components` stand above them'),
      config: Values.optional(),
      overrides: z.record(z.string().max(253), Values).optional().describe('By host name'),
    }),
  )
  .min(1)
  .max(50);

const Rolling = z
  .strictObject({
    batch: z
      .union([z.int().min(1).max(5_000), z.string().regex(/^([1-9]|[1-9][0-9]|100)%$/, 'use a share such as 25%')])
      .optional()
      .describe("How many at once: a number, or a share of the component's host components; 1 when absent"),
    pauseAfterFirst: z.boolean().optional().describe('The job waits after the first batch until it is resumed'),
    tolerate: z.int().min(0).max(5_000).optional().describe('So many of a component may fail; 0 when absent'),
    order: HostNames.min(1).optional().describe('Host names that go first, in this order'),
  })
  .transform(({ batch, ...rest }) => ({ ...rest, batch: batch as number | `${number}%` | undefined }))
  .describe('How host components take turns: the next batch only when the one before has passed its check');

/** A command as it is asked for: discriminated by its name, closed, nothing coerced. */
export const CommandBody = z
  .discriminatedUnion('command', [
    z.strictObject({
      command: z.literal('add'),
      services: Additions,
      note: Note,
    }),
    z.strictObject({ command: z.enum(['start', 'stop', 'check']), target: Target, note: Note }),
    z.strictObject({ command: z.literal('restart'), target: Target, rolling: Rolling.optional(), note: Note }),
    z.strictObject({
      command: z.literal('upgrade'),
      service: z.string().max(63),
      stack: z.string().max(200).optional().describe('The stack it comes from when absent'),
      version: z.string().max(100).describe("The installed version of the stack, newer or older than the service's"),
      rolling: Rolling.optional(),
      note: Note,
    }),
    z.strictObject({
      command: z.literal('configure'),
      target: Target,
      config: Values.optional().describe('Replaces what is set for the service first'),
      overrides: z.record(z.string().max(253), Values).optional(),
      restart: z.boolean().optional().describe('false saves and applies nothing'),
      rolling: Rolling.optional(),
      note: Note,
    }),
    z.strictObject({
      command: z.literal('remove'),
      target: Target,
      data: z.enum(['keep', 'delete']).describe('What becomes of data directories'),
      lost: z.boolean().optional().describe('The hosts will not come back: nothing runs on them'),
      note: Note,
    }),
    z.strictObject({
      command: z.literal('action'),
      target: Target,
      action: z.string().max(63).describe('One that the component offers'),
      input: z.record(z.string().max(63), Json).optional().describe('Checked as the properties of a config are'),
      agree: Agree,
      note: Note,
    }),
    z.strictObject({ command: z.enum(['decommission', 'recommission']), target: Target, note: Note }),
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

export function commandRoutes({ sql, commands }: RouteParts): Route[] {
  /** The cluster that was read to see whose it is: commands are planned on it. Nobody reads it twice. */
  const looks = new WeakMap<object, Promise<ClusterLook>>();
  const clusterOf = async (request: { params: { cluster: string } }) => {
    const look = commands.look(request.params.cluster);
    looks.set(request, look);
    return (await look).state.id;
  };
  const lookOf = (request: { params: { cluster: string } }) =>
    looks.get(request) ?? commands.look(request.params.cluster);
  /** The plan that was read to see whose it is: it is executed as it was then, unless another was quicker. */
  const plans = new WeakMap<object, PlanFields>();
  const planClusterOf = async (request: { params: { plan: string } }) => {
    const plan = await readPlan(sql, request.params.plan);
    plans.set(request, plan);
    return plan.clusterId;
  };
  const accepted = (job: NewJob) => ({
    status: 202,
    headers: { location: `/api/v1/jobs/${job.id}` },
    body: jobView(job),
  });

  /** Who asks, and what is stored with the job about the request. */
  const by = (request: Pick<RouteRequest, 'principal'>, note: string | undefined): By => ({
    createdBy: request.principal.name,
    note,
    records: (job) => recordingOf(request).take(accepted(job)),
  });

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
    handle: async (request) => {
      const { note, ...command } = request.body;
      return accepted(await commands.run(await lookOf(request), command, by(request, note)));
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
    handle: async (request) => {
      const { note: _note, ...command } = request.body;
      const row = await commands.plan(await lookOf(request), command, { createdBy: request.principal.name });
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
    handle: async ({ params }) => ({ body: planView(await readWholePlan(sql, params.plan)) }),
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
    body: z.strictObject({ note: Note, agree: Agree }),
    answers: { 202: { description: 'The job', schema: JobView } },
    problems: [404, 409, 410, 422],
    handle: async (request) =>
      accepted(
        await commands.execute(plans.get(request) ?? (await readPlan(sql, request.params.plan)), {
          ...by(request, request.body.note),
          agree: request.body.agree,
        }),
      ),
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
