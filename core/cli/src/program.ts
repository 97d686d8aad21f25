import { Command, type CommanderError } from 'commander';
import type { Noun } from './commands/parts.ts';
import { UsageError } from './errors.ts';
import type { Terminal } from './output/terminal.ts';

interface Entry {
  readonly name: string;
  readonly summary: string;
  readonly group: string;
  /** Builds its verbs or its options; imported only when it is the one that was asked for. */
  readonly build: (command: Command, terminal: Terminal, done: (code: number) => void) => Promise<void>;
}

const noun = (name: string, summary: string, load: () => Promise<Noun>): Entry => ({
  name,
  summary,
  group: 'What is managed:',
  build: async (command, terminal) => (await load())(command, terminal),
});

export const entries: readonly Entry[] = [
  {
    name: 'demo',
    summary: 'a server, three local hosts and a real ZooKeeper ensemble on this machine',
    group: 'Running it:',
    build: async (command, terminal, done) => (await import('./commands/demo.ts')).demoCommand(command, terminal, done),
  },
  {
    name: 'server',
    summary: 'run the server',
    group: 'Running it:',
    build: async (command, terminal, done) =>
      (await import('./commands/server.ts')).serverCommand(command, terminal, done),
  },
  {
    name: 'agent',
    summary: 'run the agent of this host',
    group: 'Running it:',
    build: async (command, terminal) => (await import('./commands/agentVerbs.ts')).agents(command, terminal),
  },
  {
    name: 'fleet',
    summary: 'simulated agents, to rehearse with as many hosts as wanted',
    group: 'Running it:',
    build: async (command, terminal, done) =>
      (await import('./commands/fleet.ts')).fleetCommand(command, terminal, done),
  },
  noun(
    'cluster',
    'hosts and services that belong together',
    async () => (await import('./commands/cluster.ts')).clusters,
  ),
  noun('host', 'machines with an agent', async () => (await import('./commands/host.ts')).hosts),
  noun(
    'service',
    'products, installed and configured as a whole',
    async () => (await import('./commands/service.ts')).services,
  ),
  noun(
    'component',
    'processes and clients of services, on their hosts',
    async () => (await import('./commands/component.ts')).components,
  ),
  noun('action', 'what components can be asked to do', async () => (await import('./commands/action.ts')).actions),
  noun(
    'config',
    'properties of services, their versions and changes',
    async () => (await import('./commands/config.ts')).configs,
  ),
  noun('plan', 'what a command would do', async () => (await import('./commands/plan.ts')).plans),
  noun('job', 'what is being done and what was done', async () => (await import('./commands/job.ts')).jobs),
  noun('stack', 'what can be installed', async () => (await import('./commands/stack.ts')).stacks),
  noun(
    'bundle',
    'stacks in one file, for servers without a network',
    async () => (await import('./commands/bundle.ts')).bundles,
  ),
  noun(
    'monitoring',
    'rules and dashboards of the stacks, for Prometheus and Grafana',
    async () => (await import('./commands/monitoring.ts')).monitoring,
  ),
  noun('plugin', 'what the server is made of', async () => (await import('./commands/plugin.ts')).plugins),
  noun(
    'publisher',
    'whose signatures are trusted, and keys to sign with',
    async () => (await import('./commands/publisher.ts')).publishers,
  ),
  noun('trust', 'which stacks the server lets in', async () => (await import('./commands/trust.ts')).trust),
  noun(
    'ca',
    'the authority that vouches for server and agents',
    async () => (await import('./commands/ca.ts')).authority,
  ),
  {
    name: 'context',
    summary: 'servers you have stored',
    group: 'This tool:',
    build: async (command, terminal) => (await import('./commands/context.ts')).contexts(command, terminal),
  },
  {
    name: 'completion',
    summary: 'print a completion script for bash, zsh or fish',
    group: 'This tool:',
    build: async (command, terminal) => (await import('./commands/completion.ts')).completionCommand(command, terminal),
  },
  {
    name: 'api',
    summary: 'send any request to the REST API',
    group: 'This tool:',
    build: async (command, terminal) => (await import('./commands/api.ts')).apiCommand(command, terminal),
  },
];

/** The program with one noun complete, or with every one ("all"); the others have their name and summary only. */
export async function buildProgram(
  terminal: Terminal,
  chosen: string | undefined,
  done: (code: number) => void = () => undefined,
): Promise<Command> {
  const program = prepared(new Command('stackyard'), terminal)
    .description('Deploys and runs big-data services on your own hosts.')
    .version(await version())
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExit codes: 0 ok, 1 failed, 2 usage, 3 cancelled, 4 authentication, 5 the job ran and failed, 6 conflict, 7 not found.',
    );
  for (const { name, summary, group, build } of entries) {
    const command = prepared(new Command(name), terminal)
      .summary(summary)
      .description(sentence(summary))
      .helpGroup(group)
      .helpCommand(false);
    program.addCommand(command);
    if (chosen === 'all' || chosen === name) await build(command, terminal, done);
    for (const verb of command.commands) {
      prepared(verb, terminal).helpCommand(false);
      if (verb.description() === '') verb.description(sentence(verb.summary()));
    }
  }
  return program;
}

function prepared(command: Command, terminal: Terminal): Command {
  return command
    .exitOverride()
    .configureOutput({
      writeOut: terminal.out,
      writeErr: terminal.err,
      outputError: () => undefined,
      getOutHelpWidth: () => terminal.columns,
      getErrHelpWidth: () => terminal.columns,
    })
    .configureHelp({ showGlobalOptions: false, sortSubcommands: false })
    .showSuggestionAfterError(true);
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}

/** What commander calls wrong, in our words and with our exit code. */
export function usageOf(error: CommanderError): UsageError {
  return new UsageError(
    `${error.message
      .replace(/^error: /, '')
      .replace(/\.?\n\((.*)\)\.?$/, '. $1')
      .replace(/^(.)/, (letter) => letter.toUpperCase())}${/[.?)]$/.test(error.message) ? '' : '.'}`,
  );
}

async function version(): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  return (JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as { version: string })
    .version;
}
