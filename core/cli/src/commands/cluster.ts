import { allOf, answerOf } from '../api/client.ts';
import type { Cluster } from '../api/types.ts';
import { printData, printList, printOne, type View } from '../output/print.ts';
import { facts } from '../output/table.ts';
import { ago } from '../output/time.ts';
import { agreed } from './execute.ts';
import {
  type ClusterOptions,
  collect,
  connect,
  type Noun,
  onServer,
  type OutputOptions,
  type RunOptions,
  withOutput,
} from './parts.ts';
import { addRunVerbs } from './verbs.ts';

export const clusters: Noun = (noun, terminal) => {
  withOutput(noun.command('list'))
    .summary('list clusters')
    .action(async (options: OutputOptions) => {
      const { api } = await connect(terminal, options);
      await printList(
        terminal,
        await allOf((query) => api.GET('/api/v1/clusters', { params: { query } })),
        clusterView(),
        options.output,
      );
    });

  withOutput(noun.command('get'))
    .summary('show a cluster with its hosts and services')
    .argument('[cluster]', 'name or id; not needed where there is only one')
    .action(async (given: string | undefined, options: OutputOptions) => {
      const { api, cluster: choose } = await connect(terminal, options);
      const name = await choose(given);
      const path = { cluster: name };
      const [cluster, hosts, services] = await Promise.all([
        answerOf(api.GET('/api/v1/clusters/{cluster}', { params: { path } })),
        allOf((query) => api.GET('/api/v1/hosts', { params: { query: { ...query, cluster: name } } })),
        allOf((query) => api.GET('/api/v1/clusters/{cluster}/services', { params: { path, query } })),
      ]);
      const human = (): string =>
        facts(
          [
            ['Cluster', cluster.name + (cluster.title ? ` (${cluster.title})` : '')],
            [
              'Hosts',
              hosts.map(({ name: host, reachable }) => (reachable ? host : `${host} (out of reach)`)).join(', ') ||
                'none',
            ],
            ['Services', services.map((service) => `${service.title} ${service.version}`).join(', ') || 'none'],
            ['Revision', String(cluster.revision)],
            ['Created', ago(cluster.createdAt, new Date())],
          ],
          terminal.colours.dim,
        );
      await printOne(terminal, { ...cluster, hosts, services }, { human, name: (item) => item.name }, options.output);
    });

  withOutput(noun.command('create'))
    .summary('create a cluster, empty or with hosts')
    .argument('<name>', 'lower-case letters, digits and -')
    .option('--title <text>', 'what people call it')
    .option('--host <name>', 'a joined host to put into it; may be repeated', collect)
    .action(async (name: string, options: OutputOptions & { title?: string; host?: string[] }) => {
      const { api } = await connect(terminal, options);
      const body = {
        name,
        ...(options.title === undefined ? {} : { title: options.title }),
        ...(options.host ? { hosts: options.host } : {}),
      };
      const made = await answerOf(api.POST('/api/v1/clusters', { body }));
      terminal.err(`Created cluster ${made.name}.\n`);
      if (options.output !== 'table')
        await printOne(terminal, made, { human: () => '', name: (item) => item.name }, options.output);
    });

  onServer(noun.command('delete'))
    .summary('delete an empty cluster; its hosts become free')
    .argument('<cluster>', 'name or id')
    .option('-y, --yes', 'do not ask')
    .action(async (cluster: string, options: RunOptions) => {
      const { api } = await connect(terminal, options);
      await answerOf(api.GET('/api/v1/clusters/{cluster}', { params: { path: { cluster } } }));
      await agreed(terminal, options, `Delete cluster ${cluster}?`);
      await answerOf(api.DELETE('/api/v1/clusters/{cluster}', { params: { path: { cluster } } }));
      terminal.err(`Deleted cluster ${cluster}.\n`);
    });

  onServer(noun.command('add-hosts'))
    .summary('put joined hosts into a cluster')
    .argument('<cluster>', 'name or id')
    .argument('<hosts...>', 'names of hosts')
    .action(async (cluster: string, hosts: string[], options: ClusterOptions) => {
      const { api } = await connect(terminal, options);
      await answerOf(api.POST('/api/v1/clusters/{cluster}/hosts', { params: { path: { cluster } }, body: { hosts } }));
      terminal.err(`${hosts.join(', ')} belong${hosts.length === 1 ? 's' : ''} to cluster ${cluster} now.\n`);
    });

  onServer(noun.command('remove-host'))
    .summary('take a host without components out of a cluster')
    .argument('<cluster>', 'name or id')
    .argument('<host>', 'name or id')
    .action(async (cluster: string, host: string, options: ClusterOptions) => {
      const { api } = await connect(terminal, options);
      await answerOf(api.DELETE('/api/v1/clusters/{cluster}/hosts/{host}', { params: { path: { cluster, host } } }));
      terminal.err(`${host} belongs to no cluster now.\n`);
    });

  withOutput(noun.command('exports'))
    .summary('print what the services offer, such as connect strings')
    .argument('[cluster]', 'name or id; not needed where there is only one')
    .action(async (given: string | undefined, options: OutputOptions) => {
      const { api, cluster } = await connect(terminal, options);
      const path = { cluster: await cluster(given) };
      const exported = await answerOf(api.GET('/api/v1/clusters/{cluster}/exports', { params: { path } }));
      if (options.output === 'json' || options.output === 'yaml') return printData(terminal, exported, options.output);
      const pairs = Object.entries(exported).flatMap(([service, values]) =>
        Object.entries(values).map(
          ([name, value]) => [`${service}.${name}`, typeof value === 'string' ? value : JSON.stringify(value)] as const,
        ),
      );
      if (pairs.length > 0) terminal.out(facts(pairs, terminal.colours.dim));
      else terminal.err('The cluster exports nothing yet.\n');
    });

  addRunVerbs(noun, terminal, {
    verbs: ['start', 'stop', 'restart', 'check'],
    of: 'every service of a cluster',
    argument: { name: '[cluster]', help: 'name or id; not needed where there is only one' },
    requestOf: (cluster) => ({ cluster, target: {} }),
  });
};

function clusterView(now = new Date()): View<Cluster> {
  return {
    columns: () => [
      { title: 'CLUSTER', cell: ({ name }) => name },
      { title: 'TITLE', cell: ({ title }) => title ?? '' },
      { title: 'REVISION', cell: ({ revision }) => String(revision) },
      { title: 'CREATED', cell: ({ createdAt }) => ago(createdAt, now) },
    ],
    name: ({ name }) => name,
    none: 'There is no cluster yet. Make one by "stackyard cluster create NAME".',
  };
}
