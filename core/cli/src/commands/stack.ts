import { type Api, allOf, answerOf } from '../api/client.ts';
import type { Stack } from '../api/types.ts';
import { NotFoundError, UsageError } from '../errors.ts';
import { printList, printOne, type View } from '../output/print.ts';
import { facts } from '../output/table.ts';
import type { Colours, Terminal } from '../output/terminal.ts';
import { authorVerbs } from './stackAuthor.ts';
import { addInstall } from './stackInstall.ts';
import { addSearch } from './stackSearch.ts';
import { connect, type Noun, onServer, type OutputOptions, withOutput } from './parts.ts';
import { packageVerbs } from './stackPackage.ts';
import { addSigning } from './stackSigning.ts';

export const stacks: Noun = (noun, terminal) => {
  authorVerbs(noun, terminal);
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
  const services = stack.services.map(({ title, version, components, profiles }) => {
    const rows = facts(
      components.map(
        (each) => [`  ${each.name}`, `${each.title}, ${each.category}, ${each.cardinality} hosts`] as const,
      ),
      (text) => text,
    );
    const sizes = profiles.map(({ name, help }) => [`  --profile ${name}`, help] as const);
    return `\n${colours.bold(`${title} ${version}`)}\n${rows}${sizes.length > 0 ? facts(sizes, (text) => text) : ''}`;
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
