import { type Api, allOf } from '../api/client.ts';
import type { HostComponent } from '../api/types.ts';
import { printList, type View } from '../output/print.ts';
import type { Colours } from '../output/terminal.ts';
import { ago } from '../output/time.ts';
import { UsageError } from '../errors.ts';
import { planAndRun } from './execute.ts';
import {
  type ClusterOptions,
  collect,
  connect,
  type Noun,
  type OutputOptions,
  type RunOptions,
  withCluster,
  withOutput,
  withRun,
} from './parts.ts';
import { addRunVerbs } from './verbs.ts';

export interface ComponentFilter {
  readonly service?: string | undefined;
  readonly component?: string | undefined;
  readonly host?: string | undefined;
  readonly stale?: 'true' | undefined;
}

const DRAINS = [
  ['decommission', 'empty a component on a host before it goes'],
  ['recommission', 'take a component that was decommissioned in again'],
] as const;

export const components: Noun = (noun, terminal) => {
  withCluster(withOutput(noun.command('list')))
    .summary('list components on their hosts: what runs, in which role, with which config')
    .argument('[component]', 'only this component')
    .option('--service <name>', 'only components of this service')
    .option('--host <name>', 'only on this host')
    .option('--stale', 'only where files differ from what the config gives now')
    .action(
      async (
        component: string | undefined,
        options: OutputOptions & ClusterOptions & { service?: string; host?: string; stale?: boolean },
      ) => {
        const { api, cluster } = await connect(terminal, options);
        const { service, host, stale } = options;
        const name = await cluster(options.cluster);
        const filter = { component, service, host, stale: stale ? ('true' as const) : undefined };
        const [found, silent] = await Promise.all([
          listComponents(api, name, filter),
          options.output === 'table' ? silentHosts(api, name) : new Map<string, string | null>(),
        ]);
        await printList(terminal, found, componentView(silent), options.output);
      },
    );

  for (const [verb, summary] of DRAINS) {
    withRun(noun.command(verb))
      .summary(summary)
      .argument('<service/component>', 'such as hdfs/datanode')
      .option('--host <name>', 'on this host; may be repeated', collect)
      .action(async (owner: string, options: RunOptions & { host?: string[] }) => {
        const [service, component, ...rest] = owner.split('/');
        if (!service || !component || rest.length > 0)
          throw new UsageError(`${owner} names no component. Use service/component, such as hdfs/datanode.`);
        if (!options.host) throw new UsageError('Say on which host: --host NAME.');
        const { api, cluster } = await connect(terminal, options);
        const target = { service, component, hosts: options.host };
        await planAndRun(api, terminal, {
          cluster: await cluster(options.cluster),
          request: { command: verb, target },
          options,
        });
      });
  }

  addRunVerbs(noun, terminal, {
    verbs: ['start', 'stop', 'restart', 'check'],
    of: 'a component on all its hosts, or on some',
    argument: { name: '<component>', help: 'such as zookeeper_server' },
    byHost: true,
    requestOf: (component) => ({ target: component === undefined ? {} : { component } }),
  });
};

export async function listComponents(
  api: Api,
  cluster: string,
  filter: ComponentFilter = {},
): Promise<HostComponent[]> {
  const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as Record<
    string,
    never
  >;
  return allOf((query) =>
    api.GET('/api/v1/clusters/{cluster}/components', { params: { path: { cluster }, query: { ...query, ...given } } }),
  );
}

/** The hosts of a cluster that are out of reach, with when they were last seen. */
export async function silentHosts(api: Api, cluster: string): Promise<ReadonlyMap<string, string | null>> {
  const hosts = await allOf((query) => api.GET('/api/v1/hosts', { params: { query: { ...query, cluster } } }));
  return new Map(hosts.filter(({ reachable }) => !reachable).map(({ name, lastSeenAt }) => [name, lastSeenAt]));
}

/** As `stateText`; of a host out of reach it is what was seen last. */
export function presentState(
  item: HostComponent,
  silent: ReadonlyMap<string, string | null>,
  colours: Colours,
  now = new Date(),
): string {
  if (!silent.has(item.host)) return stateText(item, colours);
  const seen = `${item.desired === 'INSTALLED' && item.pid === null ? 'INSTALLED' : item.observed} ${ago(silent.get(item.host) ?? null, now)}`;
  return colours.yellow(`host out of reach, was ${seen}`);
}

const ways = { DRAINING: 'decommissioning', DRAINED: 'decommissioned', RETURNING: 'coming back' } as const;

/** What was seen, beside what is wanted where the two differ. */
export function stateText({ desired, observed, message, pid, leaving }: HostComponent, colours: Colours): string {
  const paint = {
    RUNNING: colours.green,
    STARTING: colours.cyan,
    STOPPED: colours.dim,
    UNHEALTHY: colours.red,
    UNKNOWN: colours.yellow,
  }[observed];
  // A client has no process: when it is installed all is well. What is being started has one before it is desired.
  if (desired === 'INSTALLED' && pid === null && observed !== 'RUNNING' && observed !== 'UNHEALTHY')
    return `${colours.dim(observed === 'STOPPED' ? 'STOPPED' : 'INSTALLED')}${leaving ? `, ${colours.yellow(ways[leaving])}` : ''}`;
  const wanted = desired === 'RUNNING' && observed === 'STOPPED' ? colours.yellow(' (should run)') : '';
  return `${paint(observed)}${wanted}${leaving ? `, ${colours.yellow(ways[leaving])}` : ''}${message && observed === 'UNHEALTHY' ? `: ${message}` : ''}`;
}

const componentView = (silent: ReadonlyMap<string, string | null>): View<HostComponent> => ({
  columns: (colours) => [
    { title: 'COMPONENT', cell: ({ component }) => component },
    { title: 'HOST', cell: ({ host }) => host },
    { title: '#', cell: ({ ordinal }) => String(ordinal) },
    { title: 'STATE', cell: (item) => presentState(item, silent, colours) },
    { title: 'ROLE', cell: ({ role, host }) => (silent.has(host) ? '-' : (role ?? '-')) },
    { title: 'PID', cell: ({ pid, host }) => (pid === null || silent.has(host) ? '-' : String(pid)) },
    {
      title: 'RESTARTS',
      cell: ({ restarts, pid }) => (pid === null ? '-' : restarts > 0 ? colours.yellow(String(restarts)) : '0'),
    },
    {
      title: 'VERSION',
      cell: ({ version, behind }) => (behind ? colours.yellow(`${version}, not upgraded`) : version),
    },
    {
      title: 'CONFIG',
      cell: ({ configVersion, stale }) =>
        stale
          ? colours.yellow(`v${configVersion ?? '-'}, needs ${needs[stale.effect] ?? stale.effect}`)
          : configVersion === null
            ? '-'
            : `v${configVersion}`,
    },
  ],
  name: ({ component, host }) => `${component}/${host}`,
  none: 'There is no such component. "stackyard service add" brings a service in.',
});

const needs: Readonly<Record<string, string>> = {
  none: 'an update',
  reload: 'a reload',
  restart: 'a restart',
  rolling: 'a restart',
};
