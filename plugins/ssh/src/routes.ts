import { defineRoute, HostJoining, Records, type Route, type Routes } from '@stackyard/contract';
import { Logger, provide, token } from '@stackyard/kernel';
import { z } from 'zod';
import { Login } from './credentials.ts';
import { eachLimited } from './eachLimited.ts';
import { HostKeyNotFoundError, statuses } from './errors.ts';
import { HostKeys } from './hostKeys.ts';
import { probe } from './probe.ts';
import { Runs } from './runs.ts';
import { parseTargets } from './targets.ts';
import { Bootstrap, KnownHostKey, Machine, Manner, Probed, ProbeInput } from './views.ts';

const SSH_PORT = 22;
const PROBES_AT_ONCE = 100;
const words = { tag: 'hosts', refusals: statuses } as const;
const create = { action: 'create', resource: 'host' } as const;
const read = { action: 'read', resource: 'host' } as const;
const One = z.strictObject({ bootstrap: z.uuid() });
const KeyAt = z.strictObject({
  address: z
    .string()
    .max(253)
    .regex(/^[A-Za-z0-9.:-]+$/),
});
const port = { port: z.coerce.number().int().min(1).max(65_535).optional().describe('22 when absent') };

/** The runs of this server, for the routes and for the plugin's start. */
export const SshRuns = token<Runs>('ssh.Runs');
provide(Runs, HostJoining, Records, Logger);

/** Bringing hosts in over SSH, as operations of the REST API. */
export class BootstrapRoutes implements Routes {
  readonly routes: readonly Route[];

  constructor(runs: Runs, records: Records) {
    const keys = new HostKeys(records);
    this.routes = [...starting(runs, keys), ...looking(runs), ...hostKeyRoutes(keys)];
  }
}
provide(BootstrapRoutes, SshRuns, Records);

function starting(runs: Runs, keys: HostKeys): Route[] {
  const probeMachines = defineRoute({
    ...words,
    method: 'POST',
    url: '/bootstraps/probe',
    operationId: 'probeMachines',
    summary: 'Ask machines for their host keys',
    description:
      'Expands ranges and asks every machine for its SSH host key, without logging in. Compare the fingerprints with what you know of the machines before you confirm them in a bootstrap.',
    permission: create,
    audit: 'host.probe',
    body: ProbeInput,
    answers: {
      200: { description: 'The machines', schema: z.object({ items: z.array(Probed) }).meta({ id: 'ProbedMachines' }) },
    },
    problems: [422],
    handle: async ({ body, signal }) => {
      const targets = parseTargets(body.targets, body.port ?? SSH_PORT);
      const items = new Map<string, Probed>();
      await eachLimited(targets, PROBES_AT_ONCE, async (target) => {
        items.set(target.name, await probe(target, keys, signal));
      });
      return { body: { items: targets.map(({ name }) => items.get(name)) } };
    },
  });

  // Neither takes an Idempotency-Key: under one, a digest of the body would be stored, and the body has a password in it.
  const startBootstrap = defineRoute({
    ...words,
    method: 'POST',
    url: '/bootstraps',
    operationId: 'startBootstrap',
    summary: 'Bring hosts in over SSH',
    description:
      'Logs in to every machine, copies the agent, installs and starts it and waits until it has joined, several at once. A machine whose host key is neither known nor confirmed here is not spoken to. The login is kept by the run alone and never stored. Follow the run by its events.',
    permission: create,
    audit: 'host.bootstrap',
    body: z
      .strictObject({ hosts: z.array(Machine).min(1).max(1_000), login: Login, ...Manner })
      .meta({ id: 'BootstrapOrder' }),
    answers: { 202: { description: 'It has begun', schema: Bootstrap } },
    problems: [409, 422],
    handle: async ({ body, principal }) => {
      const { hosts, login, root = '/', parallel = 10 } = body;
      const wanted = hosts.map(({ port: at = SSH_PORT, ...host }) => ({ ...host, port: at }));
      const started = await runs.start({ hosts: wanted, login, root, parallel }, principal);
      return accepted(started);
    },
  });

  const retryBootstrap = defineRoute({
    ...words,
    method: 'POST',
    url: '/bootstraps/:bootstrap/retry',
    operationId: 'retryBootstrap',
    summary: 'Try the failed hosts of a bootstrap again',
    description: 'As a new bootstrap, with a login given anew: the earlier one was not kept.',
    permission: create,
    audit: 'host.bootstrap',
    params: One,
    body: z
      .strictObject({
        login: Login,
        parallel: Manner.parallel,
        fingerprints: z
          .record(z.string().max(253), z.string().max(100))
          .optional()
          .describe('Host keys that you confirm, by the name of the host'),
      })
      .meta({ id: 'BootstrapRetry' }),
    answers: { 202: { description: 'It has begun', schema: Bootstrap } },
    problems: [404, 409, 422],
    handle: async ({ params, body, principal }) => {
      const { login, parallel, fingerprints = {} } = body;
      const options = { login, parallel, fingerprints: new Map(Object.entries(fingerprints)) };
      return accepted(await runs.retry(params.bootstrap, options, principal));
    },
  });

  return [probeMachines, startBootstrap, retryBootstrap];
}

function accepted(run: Bootstrap) {
  return { status: 202, headers: { location: `/api/v1/bootstraps/${run.id}` }, body: run };
}

function looking(runs: Runs): Route[] {
  const listBootstraps = defineRoute({
    ...words,
    method: 'GET',
    url: '/bootstraps',
    operationId: 'listBootstraps',
    summary: 'List bootstraps',
    description: 'The newest first; 100 are kept.',
    permission: read,
    audit: 'none',
    query: z.strictObject({
      limit: z.coerce.number().int().min(1).max(100).optional(),
      cursor: z.uuid().optional().describe('nextCursor of the page before'),
    }),
    answers: {
      200: {
        description: 'A page of bootstraps',
        schema: z
          .object({ items: z.array(Bootstrap), nextCursor: z.string().nullable() })
          .meta({ id: 'BootstrapPage' }),
      },
    },
    handle: async ({ query }) => {
      const limit = query.limit ?? 20;
      const items = await runs.list(limit, query.cursor);
      return { body: { items, nextCursor: items.length === limit ? (items.at(-1)?.id ?? null) : null } };
    },
  });

  const getBootstrap = defineRoute({
    ...words,
    method: 'GET',
    url: '/bootstraps/:bootstrap',
    operationId: 'getBootstrap',
    summary: 'Read a bootstrap',
    description: 'How far every host is, and why those failed that did.',
    permission: read,
    audit: 'none',
    params: One,
    answers: { 200: { description: 'The bootstrap', schema: Bootstrap } },
    problems: [404],
    handle: async ({ params }) => ({ body: await runs.get(params.bootstrap) }),
  });

  const followBootstrap = defineRoute({
    ...words,
    method: 'GET',
    url: '/bootstraps/:bootstrap/events',
    operationId: 'followBootstrap',
    summary: 'Follow a bootstrap',
    description:
      'Server-sent events: `host` with the progress of one host, first for each as it stands, then at every change; `ended` with the whole bootstrap at the end.',
    permission: read,
    audit: 'none',
    params: One,
    answers: { 200: { description: 'The events', stream: true } },
    problems: [404, 406],
    handle: async ({ params, signal }) => {
      await runs.get(params.bootstrap);
      return { messages: runs.follow(params.bootstrap, signal) };
    },
  });

  return [listBootstraps, getBootstrap, followBootstrap];
}

function hostKeyRoutes(keys: HostKeys): Route[] {
  const getHostKey = defineRoute({
    ...words,
    method: 'GET',
    url: '/ssh-host-keys/:address',
    operationId: 'getHostKey',
    summary: 'Read the known host key of a machine',
    description: 'The one that somebody confirmed when the machine was brought in.',
    permission: read,
    audit: 'none',
    params: KeyAt,
    query: z.strictObject(port),
    answers: { 200: { description: 'The key', schema: KnownHostKey } },
    problems: [404],
    handle: async ({ params, query }) => {
      const known = await keys.find({ ...params, port: query.port ?? SSH_PORT });
      if (!known) throw new HostKeyNotFoundError(params);
      return { body: known };
    },
  });

  const forgetHostKey = defineRoute({
    ...words,
    method: 'DELETE',
    url: '/ssh-host-keys/:address',
    operationId: 'forgetHostKey',
    summary: 'Forget the host key of a machine',
    description: 'Of one that was installed anew: its next key has to be confirmed again.',
    permission: { action: 'change', resource: 'host' },
    audit: 'host.forgetKey',
    params: KeyAt,
    query: z.strictObject(port),
    answers: { 204: { description: 'Forgotten' } },
    problems: [404],
    handle: async ({ params, query }) => {
      if (!(await keys.forget({ ...params, port: query.port ?? SSH_PORT }))) throw new HostKeyNotFoundError(params);
      return { status: 204 };
    },
  });

  return [getHostKey, forgetHostKey];
}
