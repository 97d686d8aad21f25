import { resolve } from 'node:path';
import { type Api, allOf, answerOf } from '../api/client.ts';
import type { Stack } from '../api/types.ts';
import { CliError, NotFoundError, UsageError } from '../errors.ts';
import { printList, printOne, type View } from '../output/print.ts';
import { facts } from '../output/table.ts';
import type { Colours, Terminal } from '../output/terminal.ts';
import { addInstall } from './stackInstall.ts';
import { addSearch } from './stackSearch.ts';
import { connect, type Noun, onServer, type OutputOptions, withOutput } from './parts.ts';
import { packageVerbs } from './stackPackage.ts';
import { addSigning } from './stackSigning.ts';

export const stacks: Noun = (noun, terminal) => {
  noun
    .command('init')
    .summary('begin a stack: a package that builds, is tested and documented')
    .argument('<name>', 'the product, such as valkey, or a package of your own scope, such as @acme/valkey')
    .option('--dir <folder>', 'where to; a folder called as the product unless given')
    .option('--title <title>', 'what people call the product')
    .action(async (name: string, options: { dir?: string; title?: string }) => {
      const { nextSteps, scaffold } = await import('create-stackyard-stack');
      const written = await scaffold({ name, folder: options.dir, title: options.title }).catch((error: unknown) => {
        throw new CliError((error as Error).message, 1, { cause: error });
      });
      terminal.out(nextSteps(written, process.cwd()));
    });

  noun
    .command('test')
    .summary('run the contract of a stack with the real product, on local hosts of this machine')
    .argument('[folder]', 'the package', '.')
    .requiredOption(
      '--real',
      'install, kill, recover, reconfigure, restart, remove: for real, below a temporary directory',
    )
    .option('--hosts <count>', 'how many local hosts', countOption)
    .option('--package-origin <origin>', 'where products come from: auto, url or maven')
    .option('--data-dir <folder>', 'keeps everything there, with all logs; else nothing is left')
    .addHelpText(
      'after',
      '\nTests without a cluster are those of the package: npm test. contract.json beside package.json sets sizes and places.',
    )
    .action(async (folder: string, options: { hosts?: number; packageOrigin?: string; dataDir?: string }) => {
      const { runContract } = await import('../contractKit/run.ts');
      const kept = await runContract({ folder: resolve(folder), ...options }, terminal);
      if (!kept) throw new CliError('');
    });

  packageVerbs(noun, terminal);

  addInstall(noun, terminal);
  addSearch(noun, terminal);
  onServer(noun.command('remove'))
    .summary('remove an installed version of a stack that nothing runs from')
    .argument('<stack>', 'name, name@version or id')
    .action(async (given: string, options: OutputOptions) => {
      const { api } = await connect(terminal, options);
      const found = await stacksNamed(api, given);
      if (found.length > 1) {
        const versions = found.map(({ name, version }) => `${name}@${version}`).join(', ');
        throw new UsageError(`Several versions of ${given} are installed: say which of ${versions}.`);
      }
      const [stack] = found;
      if (!stack) throw new NotFoundError(`There is no stack ${given}. List them by "stackyard stack list".`);
      await answerOf(api.DELETE('/api/v1/stacks/{stackId}', { params: { path: { stackId: stack.id } } }));
      terminal.err(`Removed ${stack.name} ${stack.version}.\n`);
    });
  addSigning(noun, terminal);

  withOutput(noun.command('list'))
    .summary('list the stacks that the server has')
    .action(async (options: OutputOptions) => {
      const { api } = await connect(terminal, options);
      await printList(
        terminal,
        await allOf((query) => api.GET('/api/v1/stacks', { params: { query } })),
        stackView,
        options.output,
      );
    });

  withOutput(noun.command('get'))
    .summary('show a stack: its services, components and their properties')
    .argument('<stack>', 'name or id')
    .action(async (given: string, options: OutputOptions) => {
      const { api } = await connect(terminal, options);
      const found = (await allOf((query) => api.GET('/api/v1/stacks', { params: { query } })))
        .filter(({ name, id }) => name === given || id === given)
        .at(-1);
      if (!found) throw new NotFoundError(`There is no stack ${given}. List them by "stackyard stack list".`);
      const full = await answerOf(api.GET('/api/v1/stacks/{stackId}', { params: { path: { stackId: found.id } } }));
      await printOne(
        terminal,
        full,
        { human: () => stackText(found, terminal), name: ({ name }) => name },
        options.output,
      );
    });
};

function countOption(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 9)
    throw new UsageError(`--hosts ${text}: use a number from 1 to 9.`);
  return count;
}

async function stacksNamed(api: Api, given: string): Promise<Stack[]> {
  const all = await allOf((query) => api.GET('/api/v1/stacks', { params: { query } }));
  return all.filter(({ id, name, version }) => [id, name, `${name}@${version}`].includes(given));
}

const stackView: View<Stack> = {
  columns: (colours) => [
    { title: 'STACK', cell: ({ name }) => name },
    { title: 'VERSION', cell: ({ version }) => version },
    {
      title: 'SERVICES',
      cell: ({ services }) => services.map(({ title, version }) => `${title} ${version}`).join(', '),
    },
    { title: 'TRUST', cell: (stack) => trustText(stack, colours) },
  ],
  name: ({ name }) => name,
  none: 'The server has no stack. Install one by "stackyard stack install".',
};

function stackText(stack: Stack, { colours }: Terminal): string {
  const head = facts(
    [
      ['Stack', `${stack.name} ${stack.version}`],
      ['Digest', stack.digest],
      ['Trust', trustText(stack, colours)],
      ['From', [stack.origin, stack.source].filter(Boolean).join(', ')],
      ['Installed', `${stack.installedAt} by ${stack.installedBy}`],
    ],
    colours.dim,
  );
  const services = stack.services.map(({ title, version, components }) => {
    const rows = facts(
      components.map(
        (each) => [`  ${each.name}`, `${each.title}, ${each.category}, ${each.cardinality} hosts`] as const,
      ),
      (text) => text,
    );
    return `\n${colours.bold(`${title} ${version}`)}\n${rows}`;
  });
  return head + services.join('');
}

/** What nobody vouches for, or nobody may any more, is not to be overlooked. */
function trustText({ trust, publisher, keyId }: Stack, { red }: Colours): string {
  if (trust === 'signed') return `signed by ${publisher}`;
  if (trust === 'signed-by-retired-key') return `signed by ${publisher}, by a key that is retired`;
  if (trust === 'signed-by-revoked-key') return red(`signed by ${publisher} by ${keyId}, which is REVOKED`);
  return trust === 'unsigned' ? red('UNSIGNED') : trust;
}
