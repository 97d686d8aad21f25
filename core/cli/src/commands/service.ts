import { type Api, allOf, answerOf } from '../api/client.ts';
import type { CommandRequest, Service, Stack, Values } from '../api/types.ts';
import { NotFoundError, UsageError } from '../errors.ts';
import { type Definition, parseAssignments } from '../config/assignments.ts';
import { printList, printOne, type View } from '../output/print.ts';
import { recommendationText } from '../output/recommendation.ts';
import { facts } from '../output/table.ts';
import { listComponents, presentState, silentHosts } from './component.ts';
import { planAndRun } from './execute.ts';
import {
  type ClusterOptions,
  collect,
  connect,
  type Noun,
  type OutputOptions,
  readDocument,
  type RunOptions,
  withCluster,
  withOutput,
  withRun,
} from './parts.ts';
import { type RollingOptions, rollingOf, withRolling } from './rolling.ts';
import { addRunVerbs } from './verbs.ts';

interface AddOptions extends RunOptions {
  readonly stack?: string;
  readonly version?: string;
  readonly profile?: string;
  readonly on?: string[];
  readonly set?: string[];
  readonly values?: string;
}

export const services: Noun = (noun, terminal) => {
  withCluster(withOutput(noun.command('list')))
    .summary('list the services of a cluster')
    .action(async (options: OutputOptions & ClusterOptions) => {
      const { api, cluster } = await connect(terminal, options);
      const path = { cluster: await cluster(options.cluster) };
      const found = await allOf((query) => api.GET('/api/v1/clusters/{cluster}/services', { params: { path, query } }));
      await printList(terminal, found, serviceView(await clientsOf(api)), options.output);
    });

  withCluster(withOutput(noun.command('get')))
    .summary('show a service, its components and what it exports')
    .argument('<service>', 'such as zookeeper')
    .action(async (service: string, options: OutputOptions & ClusterOptions) => {
      const { api, cluster: choose } = await connect(terminal, options);
      const cluster = await choose(options.cluster);
      const found = await answerOf(
        api.GET('/api/v1/clusters/{cluster}/services/{service}', { params: { path: { cluster, service } } }),
      );
      const there = options.output === 'table' ? await listComponents(api, cluster, { service }) : [];
      const silent = options.output === 'table' ? await silentHosts(api, cluster) : new Map<string, string | null>();
      const { dim } = terminal.colours;
      const human = (item: Service): string =>
        facts(
          [
            ['Service', `${item.title} ${item.version}`],
            ['Stack', `${item.stack.name} ${item.stack.version}`],
            ['Config', `version ${item.configVersion}`],
            ...Object.entries(item.exports).map(
              ([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)] as const,
            ),
            ...there.map(
              (each) =>
                [
                  each.component,
                  `${each.host}  ${presentState(each, silent, terminal.colours)}${each.role && !silent.has(each.host) ? `, ${each.role}` : ''}${each.behind ? terminal.colours.yellow(`, still ${found.title} ${each.version} (stack ${each.stackVersion})`) : ''}`,
                ] as const,
            ),
          ],
          dim,
        );
      await printOne(terminal, found, { human, name: ({ name }) => name }, options.output);
    });

  withRun(noun.command('add'))
    .summary('install and start a service, or put its components on more hosts')
    .argument('<service>', 'such as zookeeper')
    .option(
      '--on <component=hosts>',
      'where a component goes, such as zookeeper_server=host1,host2; may be repeated',
      collect,
    )
    .option('--profile <name>', 'sizes that the stack offers by a word, such as small; what else is given stands above')
    .option('--set <key=value>', 'a property, such as zoo.cfg/tickTime=3000; may be repeated', collect)
    .option('--values <file>', 'values by config and property, as JSON or YAML; "-" for standard input')
    .option('--stack <name>', 'the stack that offers it, where several do')
    .option('--version <version>', "the stack's version; the newest unless given")
    .action(async (service: string, options: AddOptions) => {
      const { api, cluster } = await connect(terminal, options);
      await planAndRun(api, terminal, {
        cluster: await cluster(options.cluster),
        request: await addition(api, service, options),
        options,
      });
    });

  withCluster(withOutput(noun.command('recommend')))
    .summary('show where services would best go, and their sizes there')
    .argument('<service...>', 'such as zookeeper')
    .option(
      '--on <component=hosts>',
      'where a component has to go, such as zookeeper_server=host1,host2; may be repeated',
      collect,
    )
    .option('--profile <name>', 'sizes that the stacks offer by a word, such as small')
    .action(async (names: string[], options: OutputOptions & ClusterOptions & { on?: string[]; profile?: string }) => {
      const { api, cluster } = await connect(terminal, options);
      if (options.on && names.length > 1)
        throw new UsageError('--on places components of one service: name only that one.');
      const components = placementOf(options.on ?? []);
      const found = await answerOf(
        api.POST('/api/v1/clusters/{cluster}/recommendations', {
          params: { path: { cluster: await cluster(options.cluster) } },
          body: {
            services: names.map((service) => ({
              service,
              ...(options.on ? { components } : {}),
              ...(options.profile === undefined ? {} : { profile: options.profile }),
            })),
          },
        }),
      );
      const human = () => recommendationText(found, terminal.colours);
      await printOne(terminal, found, { human, name: () => names.join('\n') }, options.output);
    });

  withRolling(withRun(noun.command('upgrade')))
    .summary('take a service to another installed version of its stack, newer or older')
    .argument('<service>', 'such as zookeeper')
    .requiredOption('--to <version>', 'the version of the stack; "stackyard stack list" shows what is installed')
    .option('--stack <name>', 'another stack that offers the service')
    .action(async (service: string, options: RunOptions & RollingOptions & { to: string; stack?: string }) => {
      const { api, cluster } = await connect(terminal, options);
      const stack = options.stack === undefined ? {} : { stack: options.stack };
      const request: CommandRequest = {
        command: 'upgrade',
        service,
        version: options.to,
        ...stack,
        ...rollingOf(options),
      };
      await planAndRun(api, terminal, { cluster: await cluster(options.cluster), request, options });
    });

  withRun(noun.command('remove'))
    .summary('stop a service and remove it from all hosts, or from some')
    .argument('<service>', 'such as zookeeper')
    .option('--component <name>', 'only this component')
    .option('--host <name>', 'only from this host; may be repeated', collect)
    .option('--delete-data', 'also delete its data directories; they are kept otherwise')
    .option('--lost', 'the hosts will not come back: nothing runs there')
    .action(
      async (
        service: string,
        options: RunOptions & { component?: string; host?: string[]; deleteData?: boolean; lost?: boolean },
      ) => {
        const { api, cluster } = await connect(terminal, options);
        const target = {
          service,
          ...(options.component === undefined ? {} : { component: options.component }),
          ...(options.host ? { hosts: options.host } : {}),
        };
        const request: CommandRequest = {
          command: 'remove',
          target,
          data: options.deleteData ? 'delete' : 'keep',
          ...(options.lost ? { lost: true } : {}),
        };
        await planAndRun(api, terminal, { cluster: await cluster(options.cluster), request, options });
      },
    );

  addRunVerbs(noun, terminal, {
    verbs: ['start', 'stop', 'restart', 'check'],
    of: 'a service',
    argument: { name: '<service>', help: 'such as zookeeper' },
    byHost: true,
    requestOf: (service) => ({ target: service === undefined ? {} : { service } }),
  });
};

async function addition(api: Api, service: string, options: AddOptions): Promise<CommandRequest> {
  const config = await valuesOf(api, service, options);
  const placement = placementOf(options.on ?? []);
  return {
    command: 'add',
    services: [
      {
        service,
        ...(options.stack === undefined ? {} : { stack: options.stack }),
        ...(options.version === undefined ? {} : { version: options.version }),
        ...(options.profile === undefined ? {} : { profile: options.profile }),
        ...(Object.keys(placement).length > 0 ? { components: placement } : {}),
        ...(Object.keys(config).length > 0 ? { config } : {}),
      },
    ],
  };
}

async function valuesOf(api: Api, service: string, options: AddOptions): Promise<Values> {
  const given = options.values === undefined ? {} : ((await readDocument(options.values)) as Values);
  if (!options.set) return given;
  const set = parseAssignments(options.set, await definitionsOf(api, service, options));
  const configs = [...new Set([...Object.keys(given), ...Object.keys(set)])];
  return Object.fromEntries(configs.map((config) => [config, { ...given[config], ...set[config] }]));
}

/** "zookeeper_server=host1,host2" by component. @throws UsageError */
export function placementOf(given: readonly string[]): Record<string, string[]> {
  const placement: Record<string, string[]> = {};
  for (const text of given) {
    const [component = '', hosts] = text.split('=');
    if (component === '' || hosts === undefined)
      throw new UsageError(`--on ${text} is not readable. Use component=host1,host2.`);
    placement[component] = [
      ...(placement[component] ?? []),
      ...hosts
        .split(',')
        .map((host) => host.trim())
        .filter(Boolean),
    ];
  }
  return placement;
}

/** The properties of a service that is only offered by a stack as yet. */
async function definitionsOf(api: Api, service: string, { stack, version }: AddOptions): Promise<Definition[]> {
  const stacks = await allOf((query) => api.GET('/api/v1/stacks', { params: { query } }));
  const offers = (one: Stack): boolean => one.services.some(({ name }) => name === service);
  const found = stacks.filter(
    (one) =>
      offers(one) && (stack === undefined || one.name === stack) && (version === undefined || one.version === version),
  );
  const newest = found.at(-1);
  if (!newest) throw new NotFoundError(`No installed stack offers ${service}. List them by "stackyard stack list".`);
  const { manifest } = await answerOf(
    api.GET('/api/v1/stacks/{stackId}', { params: { path: { stackId: newest.id } } }),
  );
  type Described = { name: string; configs: { name: string; properties: { name: string; type: string }[] }[] };
  const described = (manifest as { services?: Described[] }).services?.find(({ name }) => name === service);
  return (described?.configs ?? []).flatMap(({ name: config, properties }) =>
    properties.map(({ name, type }) => ({ config, name, type })),
  );
}

const serviceView = (clients: ReadonlySet<string>): View<Service> => ({
  columns: ({ green, yellow }) => [
    { title: 'SERVICE', cell: ({ name }) => name },
    { title: 'VERSION', cell: ({ version }) => version },
    { title: 'STACK', cell: ({ stack }) => `${stack.name} ${stack.version}` },
    {
      title: 'COMPONENTS',
      cell: ({ components: all }) =>
        Object.entries(all)
          .filter(([, { hosts }]) => hosts > 0)
          .map(([name, { hosts, running }]) =>
            clients.has(name)
              ? `${name} ${hosts}`
              : `${name} ${(running === hosts ? green : yellow)(`${running}/${hosts}`)}`,
          )
          .join(', '),
    },
    { title: 'CONFIG', cell: ({ configVersion }) => `v${configVersion}` },
  ],
  name: ({ name }) => name,
  none: 'There is no service yet. "stackyard stack list" shows what there is, "stackyard service add" installs it.',
});

/** Components without a process, of which none can run. */
export async function clientsOf(api: Api): Promise<ReadonlySet<string>> {
  const stacks = await allOf((query) => api.GET('/api/v1/stacks', { params: { query } }));
  const all = stacks.flatMap(({ services: offered }) => offered.flatMap(({ components }) => components));
  return new Set(all.filter(({ category }) => category === 'client').map(({ name }) => name));
}
