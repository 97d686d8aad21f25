import { defineRoute, type Route } from '@stackyard/contract';
import { conditionHolds } from '@stackyard/sdk/render';
import { z } from 'zod';
import { findCluster, findService } from '../../clusters/lookup.ts';
import { ConfigVersion, Host, type ServiceRow } from '../../database/entities.ts';
import { afterNumber, listQuery, page, pageOf } from '../cursor.ts';
import { readable } from '../../secrets/views.ts';
import { NotFoundError } from '../errors.ts';
import { etagOf, requireMatch } from '../etag.ts';
import { ClusterParams } from './clusters.ts';
import type { RouteParts } from './parts.ts';
import { ConfigVersionView, configVersionView, Values } from './views.ts';

const ServiceParams = ClusterParams.extend({ service: z.string().max(63) });

const ConfigView = ConfigVersionView.extend({
  properties: z
    .array(
      z.object({
        config: z.string(),
        name: z.string(),
        type: z.string(),
        help: z.string(),
        unit: z.string().optional(),
        min: z.number().optional(),
        max: z.number().optional(),
        advise: z
          .object({ min: z.number().optional(), max: z.number().optional() })
          .optional()
          .describe('What is wise within what is possible; a value outside is a warning of the plan'),
        inUse: z
          .boolean()
          .optional()
          .describe(
            'False while its condition does not hold: it then has no value. Absent where that depends on the host',
          ),
        values: z.array(z.string()).optional(),
        effect: z.string().describe('What a change asks of a running component'),
        default: z.unknown().optional().describe('Absent when it is computed per host or must be given'),
        set: z.unknown().optional().describe('What the newest version sets'),
      }),
    )
    .describe('Every property there is'),
}).meta({ id: 'Config' });

export function configRoutes({ em, commands, stacks }: RouteParts): Route[] {
  const clusterOf = async ({ params }: { params: { cluster: string } }) => (await findCluster(em(), params.cluster)).id;
  const serviceOf = async (params: { cluster: string; service: string }) =>
    findService(em(), await findCluster(em(), params.cluster), params.service);

  async function versionOf(service: ServiceRow, version: number) {
    const row = await em().findOne(ConfigVersion, { serviceId: service.id, version });
    if (!row) throw new NotFoundError({ what: 'config version', name: `${version} of ${service.name}` });
    return row;
  }

  async function hostNames() {
    const names = new Map((await em().find(Host, {}, { fields: ['id', 'name'] })).map(({ id, name }) => [id, name]));
    return (id: string) => names.get(id) ?? id;
  }

  async function configView(service: ServiceRow): Promise<z.infer<typeof ConfigView>> {
    const row = await versionOf(service, service.configVersion);
    const manifest = await stacks.manifest(service.stackDigest);
    const configs = manifest.services.find(({ name }) => name === service.name)?.configs ?? [];
    const properties = configs.flatMap((config) =>
      config.properties.map((property) => {
        const { name, type, help, unit, min, max, advise, values, effect } = property;
        const inUse = conditionHolds(property, { configs, values: row.values, generated: service.generated });
        const literal = property.default && 'literal' in property.default ? { default: property.default.literal } : {};
        const set = row.values[config.name]?.[name];
        return {
          config: config.name,
          name,
          type,
          help,
          effect,
          ...(unit === undefined ? {} : { unit }),
          ...(min === undefined ? {} : { min }),
          ...(max === undefined ? {} : { max }),
          ...(advise === undefined ? {} : { advise }),
          ...(inUse === undefined ? {} : { inUse }),
          ...(values === undefined ? {} : { values }),
          ...literal,
          ...(set === undefined ? {} : { set: readable(set) }),
        };
      }),
    );
    return { ...configVersionView(row, await hostNames()), properties };
  }

  const getConfig = defineRoute({
    method: 'GET',
    url: '/clusters/:cluster/services/:service/config',
    operationId: 'getConfig',
    tag: 'configs',
    summary: 'Read the newest config of a service',
    description:
      'What is set for the service and for single hosts, and every property with its default. The ETag is needed to change it.',
    permission: { action: 'read', resource: 'config' },
    audit: 'none',
    clusterOf,
    params: ServiceParams,
    answers: { 200: { description: 'The config', schema: ConfigView } },
    problems: [404],
    handle: async ({ params }) => {
      const service = await serviceOf(params);
      return { headers: { etag: etagOf('config', service.configVersion) }, body: await configView(service) };
    },
  });

  const putConfig = defineRoute({
    method: 'PUT',
    url: '/clusters/:cluster/services/:service/config',
    operationId: 'putConfig',
    tag: 'configs',
    summary: 'Save a new config version',
    description:
      'Replaces what is set, for the service and for single hosts, by a new immutable version. A secret is given as a text and never answered; as it was read it stays what it is. Nothing is applied: host components become stale until the command "configure" runs.',
    permission: { action: 'change', resource: 'config' },
    audit: 'config.save',
    ifMatch: true,
    clusterOf,
    params: ServiceParams,
    body: z.strictObject({
      values: Values,
      overrides: z
        .record(z.string().max(253), Values)
        .optional()
        .describe('By host name; kept as they are when absent'),
      note: z.string().max(250).optional(),
    }),
    answers: { 200: { description: 'The config as saved', schema: ConfigView } },
    problems: [404, 412, 422, 428],
    handle: async ({ params, body, headers, principal }) => {
      const service = await serviceOf(params);
      requireMatch(headers['if-match'], `config of ${service.name}`, etagOf('config', service.configVersion));
      await commands.save(
        service.clusterId,
        {
          command: 'configure',
          target: { service: service.name },
          config: body.values,
          overrides: body.overrides,
          restart: false,
        },
        { createdBy: principal.name, note: body.note, service: service.name, configVersion: service.configVersion },
      );
      const saved = await serviceOf(params);
      return { headers: { etag: etagOf('config', saved.configVersion) }, body: await configView(saved) };
    },
  });

  const listConfigVersions = defineRoute({
    method: 'GET',
    url: '/clusters/:cluster/services/:service/config/versions',
    operationId: 'listConfigVersions',
    tag: 'configs',
    summary: 'List the config versions of a service',
    description: 'Newest first.',
    permission: { action: 'read', resource: 'config' },
    audit: 'none',
    clusterOf,
    params: ServiceParams,
    query: z.strictObject(listQuery),
    answers: {
      200: { description: 'A page of config versions', schema: pageOf(ConfigVersionView, 'ConfigVersionPage') },
    },
    problems: [404],
    handle: async ({ params, query }) => {
      const service = await serviceOf(params);
      const limit = query.limit ?? 50;
      const before = afterNumber(query.cursor);
      const rows = await em().find(
        ConfigVersion,
        { serviceId: service.id, ...(before === undefined ? {} : { version: { $lt: before } }) },
        { orderBy: { version: 'desc' }, limit: limit + 1 },
      );
      const nameOf = await hostNames();
      return {
        body: page(
          rows,
          limit,
          ({ version }) => version,
          (row) => configVersionView(row, nameOf),
        ),
      };
    },
  });

  const getConfigVersion = defineRoute({
    method: 'GET',
    url: '/clusters/:cluster/services/:service/config/versions/:version',
    operationId: 'getConfigVersion',
    tag: 'configs',
    summary: 'Read a config version',
    description: 'Versions never change.',
    permission: { action: 'read', resource: 'config' },
    audit: 'none',
    clusterOf,
    params: ServiceParams.extend({
      version: z
        .string()
        .regex(/^[1-9][0-9]{0,8}$/, 'use a number')
        .transform(Number),
    }),
    answers: { 200: { description: 'The version', schema: ConfigVersionView } },
    problems: [404],
    handle: async ({ params }) => ({
      body: configVersionView(await versionOf(await serviceOf(params), params.version), await hostNames()),
    }),
  });

  return [getConfig, putConfig, listConfigVersions, getConfigVersion];
}
