import { defineRoute, type Route } from '@stackyard/contract';
import { z } from 'zod';
import { BundleUnavailableError, UpdateRunningError } from './errors.ts';
import type { AgentUpdates } from './updates.ts';

const AgentUpdate = z
  .object({
    id: z.uuid(),
    version: z.string(),
    state: z.enum(['RUNNING', 'PAUSED', 'SUCCESSFUL', 'FAILED']),
    message: z.string().nullable(),
    trialSeconds: z.int(),
    pauseAfterFirst: z.boolean(),
    createdBy: z.string(),
    createdAt: z.string(),
    finishedAt: z.string().nullable(),
    hosts: z.array(
      z.object({
        hostId: z.uuid(),
        name: z.string(),
        wave: z.int(),
        state: z.enum(['WAITING', 'UPDATING', 'UPDATED', 'ROLLED_BACK', 'LOST', 'SKIPPED']),
        message: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'AgentUpdate' });

const One = z.strictObject({ update: z.uuid() });
const refusals = [
  { error: UpdateRunningError, status: 409 },
  { error: BundleUnavailableError, status: 503 },
] as const;
const change = { action: 'change', resource: 'host' } as const;

/** Bringing agents to the server's own version. */
export function updateRoutes(updates: AgentUpdates): Route[] {
  const updateAgents = defineRoute({
    method: 'POST',
    url: '/agent-updates',
    operationId: 'updateAgents',
    tag: 'hosts',
    summary: 'Update agents',
    description:
      'Brings agents to the version that this server has, wave by wave. An agent that does not come up goes back by itself, and the update stops there. Components and running tasks go on.',
    permission: change,
    audit: 'agent.update',
    idempotent: true,
    body: z.strictObject({
      hosts: z
        .array(z.string().max(253))
        .min(1)
        .max(10_000)
        .optional()
        .describe('Names or ids; every host when absent'),
      waveSize: z.int().min(1).max(1_000).optional().describe('Hosts at once; 10 when absent'),
      pauseAfterFirst: z.boolean().optional().describe('Wait after the first wave until it is continued'),
      trialSeconds: z
        .int()
        .min(10)
        .max(3_600)
        .optional()
        .describe('How long a new agent may take to come up; 120 when absent'),
    }),
    answers: { 202: { description: 'It has begun', schema: AgentUpdate } },
    problems: [404, 409],
    refusals,
    handle: async ({ body, principal }) => {
      const { hosts, waveSize = 10, pauseAfterFirst = false, trialSeconds = 120 } = body;
      const order = { hosts, waveSize, pauseAfterFirst, trialSeconds, createdBy: principal.name };
      return { status: 202, body: await updates.start(order) };
    },
  });

  const getAgentUpdate = defineRoute({
    method: 'GET',
    url: '/agent-updates/:update',
    operationId: 'getAgentUpdate',
    tag: 'hosts',
    summary: 'Read an update of agents',
    description: 'How far every host is, and why those that went back did.',
    permission: { action: 'read', resource: 'host' },
    audit: 'none',
    params: One,
    answers: { 200: { description: 'The update', schema: AgentUpdate } },
    problems: [404],
    handle: async ({ params }) => ({ body: await updates.get(params.update) }),
  });

  const continueAgentUpdate = defineRoute({
    method: 'POST',
    url: '/agent-updates/:update/continue',
    operationId: 'continueAgentUpdate',
    tag: 'hosts',
    summary: 'Continue an update of agents',
    description: 'After the pause that follows the first wave.',
    permission: change,
    audit: 'agent.update',
    params: One,
    answers: { 202: { description: 'It goes on', schema: AgentUpdate } },
    problems: [404, 409],
    refusals,
    handle: async ({ params }) => ({ status: 202, body: await updates.continue(params.update) }),
  });

  return [updateAgents, getAgentUpdate, continueAgentUpdate];
}
