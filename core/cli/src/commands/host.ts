import { type Api, allOf, answerOf } from '../api/client.ts';
import type { Host } from '../api/types.ts';
import { printList, printOne, type View } from '../output/print.ts';
import { facts } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';
import { ago, bytes } from '../output/time.ts';
import { agreed, planAndRun } from './execute.ts';
import { addBootstrap } from './hostBootstrap.ts';
import { joinCommand } from './joinCommand.ts';
import {
  connect,
  durationOption,
  onServer,
  type Noun,
  type OutputOptions,
  type RunOptions,
  type ServerOptions,
  withOutput,
  withRun,
} from './parts.ts';
import { addRunVerbs } from './verbs.ts';

export const hosts: Noun = (noun, terminal) => {
  withOutput(noun.command('list'))
    .summary('list hosts')
    .option('-c, --cluster <name>', 'only hosts of this cluster; "none" for free ones')
    .action(async (options: OutputOptions & { cluster?: string }) => {
      const { api } = await connect(terminal, options);
      const only = options.cluster === undefined ? {} : { cluster: options.cluster };
      const [found, clusters] = await Promise.all([
        allOf((query) => api.GET('/api/v1/hosts', { params: { query: { ...query, ...only } } })),
        allOf((query) => api.GET('/api/v1/clusters', { params: { query } })),
      ]);
      const names = new Map(clusters.map(({ id, name }) => [id, name]));
      await printList(terminal, found, hostView(names), options.output);
    });

  withOutput(noun.command('get'))
    .summary('show a host and what its agent found out about it')
    .argument('<host>', 'name or id')
    .action(async (host: string, options: OutputOptions) => {
      const { api } = await connect(terminal, options);
      const found = await answerOf(api.GET('/api/v1/hosts/{host}', { params: { path: { host } } }));
      await printOne(
        terminal,
        found,
        { human: (item) => hostText(item, terminal), name: ({ name }) => name },
        options.output,
      );
    });

  withOutput(noun.command('add'))
    .summary('print the one command that joins a host')
    .argument('<name>', 'the name the host is to have')
    .option('--valid <duration>', 'how long the command can be used; 30m unless given', durationOption)
    .action(async (hostName: string, options: OutputOptions & { valid?: number }) => {
      const { api } = await connect(terminal, options);
      await printJoinCommand(api, terminal, hostName, options);
    });

  addBootstrap(noun, terminal);

  withOutput(noun.command('rejoin'))
    .summary('print the command that lets a known host in again, such as one that was revoked')
    .argument('<host>', 'name or id')
    .option('--valid <duration>', 'how long the command can be used; 30m unless given', durationOption)
    .action(async (given: string, options: OutputOptions & { valid?: number }) => {
      const { api } = await connect(terminal, options);
      const { name } = await answerOf(api.GET('/api/v1/hosts/{host}', { params: { path: { host: given } } }));
      await printJoinCommand(api, terminal, name, options);
    });

  onServer(noun.command('revoke'))
    .summary('cut a host off: its certificates and join tokens become worthless')
    .argument('<host>', 'name or id')
    .option('-y, --yes', 'do not ask')
    .action(async (given: string, options: ServerOptions & { yes?: boolean }) => {
      const { api } = await connect(terminal, options);
      const host = await answerOf(api.GET('/api/v1/hosts/{host}', { params: { path: { host: given } } }));
      await agreed(
        terminal,
        options,
        `Cut off host ${host.name}? What runs there goes on, but cannot be managed until the host has joined again.`,
      );
      await answerOf(api.POST('/api/v1/hosts/{host}/revoke', { params: { path: { host: host.id } } }));
      terminal.err(`Host ${host.name} is cut off. "stackyard host rejoin ${host.name}" lets it in again.\n`);
    });

  withRun(noun.command('remove'))
    .summary('remove what is on a host and forget the host')
    .argument('<host>', 'name or id')
    .option('--lost', 'the host will not come back: nothing runs there')
    .option('--delete-data', 'also delete the data directories on it')
    .action(async (given: string, options: RunOptions & { lost?: boolean; deleteData?: boolean }) => {
      const { api } = await connect(terminal, options);
      const host = await answerOf(api.GET('/api/v1/hosts/{host}', { params: { path: { host: given } } }));
      const path = { cluster: host.clusterId ?? '' };
      const there = host.clusterId
        ? await allOf((query) =>
            api.GET('/api/v1/clusters/{cluster}/components', {
              params: { path, query: { ...query, host: host.name } },
            }),
          )
        : [];
      if (there.length > 0) {
        const data = options.deleteData ? ('delete' as const) : ('keep' as const);
        const lost = options.lost ? { lost: true } : {};
        const request = { command: 'remove' as const, target: { hosts: [host.name] }, data, ...lost };
        // The host can only be forgotten when the job has ended.
        await planAndRun(api, terminal, { cluster: path.cluster, request, options: { ...options, detach: false } });
      } else {
        await agreed(
          terminal,
          options,
          `Forget host ${host.name}? Its agent is cut off; nothing on the host is touched.`,
        );
      }
      await answerOf(api.DELETE('/api/v1/hosts/{host}', { params: { path: { host: host.id } } }));
      terminal.err(`Host ${host.name} is forgotten.\n`);
    });

  addRunVerbs(noun, terminal, {
    verbs: ['start', 'stop', 'restart', 'check'],
    of: 'everything on a host',
    argument: { name: '<host>', help: 'name of the host' },
    requestOf: (host) => ({ target: host === undefined ? {} : { hosts: [host] } }),
  });
};

async function printJoinCommand(
  api: Api,
  terminal: Terminal,
  hostName: string,
  { valid, output }: OutputOptions & { valid?: number },
): Promise<void> {
  const ttl = valid === undefined ? {} : { ttlSeconds: Math.round(valid / 1000) };
  const made = await answerOf(api.POST('/api/v1/hosts/tokens', { body: { hostName, ...ttl } }));
  const command = joinCommand(made);
  const human = (): string => `${command}\n`;
  terminal.err(
    `Run this as root on ${hostName} before ${new Date(made.expiresAt).toLocaleTimeString()}; its token works once:\n\n`,
  );
  await printOne(terminal, { ...made, command }, { human, name: () => command }, output);
}

function hostView(clusters: ReadonlyMap<string, string>, now = new Date()): View<Host> {
  return {
    columns: ({ green, red }) => [
      { title: 'HOST', cell: ({ name }) => name },
      { title: 'CLUSTER', cell: ({ clusterId }) => (clusterId ? (clusters.get(clusterId) ?? clusterId) : '-') },
      { title: 'ADDRESS', cell: ({ address }) => address },
      { title: 'AGENT', cell: ({ reachable }) => (reachable ? green('connected') : red('out of reach')) },
      { title: 'LAST SEEN', cell: ({ lastSeenAt, reachable }) => (reachable ? 'now' : ago(lastSeenAt, now)) },
      { title: 'CPUS', cell: ({ facts: known }) => (known ? String(known.cpus) : '-') },
      { title: 'MEMORY', cell: ({ facts: known }) => (known ? bytes(known.memory) : '-') },
      { title: 'OS', cell: ({ facts: known }) => known?.os ?? '-' },
    ],
    name: ({ name }) => name,
    none: 'No host has joined yet. "stackyard host add NAME" prints the command that joins one.',
  };
}

function hostText(host: Host, { colours }: Terminal): string {
  const { facts: known } = host;
  return facts(
    [
      ['Host', `${host.name} (${host.id})`],
      ['Address', `${host.address}${host.local ? ', one of several agents on its machine' : ''}`],
      ['Root', host.root],
      [
        'Agent',
        `${host.reachable ? colours.green('connected') : colours.red(`out of reach, last seen ${ago(host.lastSeenAt, new Date())}`)}${host.agentVersion ? `, version ${host.agentVersion}` : ''}`,
      ],
      ['Joined', ago(host.joinedAt, new Date())],
      ...(known
        ? ([
            ['Machine', `${known.hostname}, ${known.os}, ${known.kernel}, ${known.arch}`],
            ['Size', `${known.cpus} CPUs, ${bytes(known.memory)} memory, ${bytes(known.disk)} disk`],
            ['Java', known.java.map(({ version, home }) => `${version} in ${home}`).join('; ') || 'none'],
          ] as const)
        : []),
    ],
    colours.dim,
  );
}
