import type { Command } from 'commander';
import { type Api, answerOf } from '../api/client.ts';
import type { FoundStack, OutdatedStack, Registry, StackVersion } from '../api/types.ts';
import { CliError } from '../errors.ts';
import { printData, printList, type View } from '../output/print.ts';
import { step } from '../output/step.ts';
import type { Colours, Terminal } from '../output/terminal.ts';
import { connect, type OutputOptions, withOutput } from './parts.ts';

type RegistryOptions = OutputOptions & { readonly registry?: string };
type Found = FoundStack & { readonly registry: string };

/** What registries offer: `stack search`, `versions`, `outdated`, `registries`. */
export function addSearch(noun: Command, terminal: Terminal): void {
  withOutput(noun.command('search'))
    .summary('search the registries for stacks')
    .argument('[term...]', 'words of the name or the description; all stacks unless given')
    .option('--registry <name>', 'search only this one')
    .action(async (terms: string[], options: RegistryOptions) => {
      const { api } = await connect(terminal, options);
      const found = await searchAll(api, terminal, { query: terms.join(' '), only: options.registry });
      await printList(terminal, found, foundView, options.output);
    });

  withOutput(noun.command('versions'))
    .summary('list the versions that a registry has of a stack')
    .argument('<stack>', 'its name')
    .option('--registry <name>', 'the one that serves its scope unless given')
    .action(async (stack: string, { registry, ...options }: RegistryOptions) => {
      const { api } = await connect(terminal, options);
      const query = { stack, ...(registry === undefined ? {} : { registry }) };
      const { versions } = await answerOf(api.GET('/api/v1/stack-versions', { params: { query } }));
      await printList(terminal, versions, versionView(stack), options.output);
    });

  withOutput(noun.command('outdated'))
    .summary('compare the installed stacks with their registries')
    .action(async (options: OutputOptions) => {
      const { api } = await connect(terminal, options);
      const { items } = await step(
        terminal,
        'Asking the registries',
        () => answerOf(api.POST('/api/v1/stacks/outdated')),
        ({ items: all }) => {
          const count = all.filter(({ outdated }) => outdated).length;
          return count === 1 ? '1 stack is outdated' : `${count} stacks are outdated`;
        },
      );
      if (options.output !== 'table' && options.output !== 'name') return printData(terminal, items, options.output);
      const told = items.filter(
        ({ outdated, deprecated, problem }) => outdated || deprecated.length > 0 || problem !== null,
      );
      return printList(terminal, told, outdatedView, options.output);
    });

  withOutput(noun.command('registries'))
    .summary('list the registries that the server may ask')
    .action(async (options: OutputOptions) => {
      const { api } = await connect(terminal, options);
      const { items } = await answerOf(api.GET('/api/v1/registries'));
      await printList(terminal, items, registryView, options.output);
    });
}

/** What one registry has is shown also when another does not answer. */
async function searchAll(
  api: Api,
  terminal: Terminal,
  { query, only }: { query: string; only: string | undefined },
): Promise<Found[]> {
  const { items } = await answerOf(api.GET('/api/v1/registries'));
  const names = only === undefined ? items.map(({ name }) => name) : [only];
  if (names.length === 0)
    throw new CliError(
      'The server names no registry. Add one to "registries" in its settings, or install from a file.',
    );
  const answers = await Promise.allSettled(
    names.map(async (registry) => {
      const path = { registry };
      const found = await answerOf(
        api.GET('/api/v1/registries/{registry}/stacks', { params: { path, query: { query } } }),
      );
      return found.items.map((each) => ({ ...each, registry }));
    }),
  );
  const failed = answers.flatMap((each) => (each.status === 'rejected' ? [each.reason as Error] : []));
  if (failed[0] && failed.length === names.length) throw failed[0];
  for (const { message } of failed) terminal.err(`${terminal.colours.yellow('!')} ${message}\n`);
  return answers.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
}

const foundView: View<Found> = {
  columns: () => [
    { title: 'STACK', cell: ({ name }) => name },
    { title: 'NEWEST', cell: ({ version }) => version },
    { title: 'INSTALLED', cell: ({ installed }) => installed.join(', ') || '-' },
    { title: 'REGISTRY', cell: ({ registry }) => registry },
    { title: 'DESCRIPTION', cell: ({ description }) => description },
  ],
  name: ({ name }) => name,
  none: 'No stack is called or described so.',
};

function versionView(stack: string): View<StackVersion> {
  return {
    columns: ({ yellow }: Colours) => [
      { title: 'VERSION', cell: ({ version }) => version },
      { title: 'TAGS', cell: ({ tags }) => tags.join(', ') },
      { title: 'INSTALLED', cell: ({ installed }) => (installed ? 'yes' : '') },
      { title: 'DEPRECATED', cell: ({ deprecated }) => (deprecated === null ? '' : yellow(deprecated)) },
    ],
    name: ({ version }) => `${stack}@${version}`,
    none: `${stack} has no version any more.`,
  };
}

const outdatedView: View<OutdatedStack> = {
  columns: ({ yellow }: Colours) => [
    { title: 'STACK', cell: ({ name }) => name },
    { title: 'INSTALLED', cell: ({ installed }) => installed.join(', ') },
    { title: 'NEWEST', cell: ({ newest, outdated }) => (outdated ? yellow(newest ?? '') : (newest ?? '?')) },
    {
      title: 'NOTE',
      cell: ({ deprecated, problem }) =>
        problem ?? deprecated.map(({ version, message }) => yellow(`${version} is deprecated: ${message}`)).join('; '),
    },
  ],
  name: ({ name }) => name,
  none: 'Every installed stack is the newest one.',
};

const registryView: View<Registry> = {
  columns: () => [
    { title: 'REGISTRY', cell: ({ name }) => name },
    { title: 'URL', cell: ({ url }) => url },
    { title: 'SCOPES', cell: ({ scopes }) => scopes.join(', ') || 'all others' },
    { title: 'TOKEN', cell: ({ hasToken }) => (hasToken ? 'yes' : 'no') },
  ],
  name: ({ name }) => name,
  none: 'The server names no registry. Add one to "registries" in its settings.',
};
