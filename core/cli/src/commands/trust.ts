import { answerOf } from '../api/client.ts';
import type { Trust } from '../api/types.ts';
import { NotFoundError, UsageError } from '../errors.ts';
import { printOne } from '../output/print.ts';
import { facts } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';
import { agreed } from './execute.ts';
import { connect, type Noun, type OutputOptions, withOutput } from './parts.ts';

const POLICIES = ['signed', 'allow-listed', 'any'] as const;
type Policy = (typeof POLICIES)[number];

/** What each policy lets in, besides what the configuration of the server names. */
const meaning: Readonly<Record<Policy, string>> = {
  signed: 'stacks that a trusted publisher has signed',
  'allow-listed': 'stacks that a trusted publisher has signed, and those on the list',
  any: 'stacks of anybody, signed or not: for development only',
};

export const trust: Noun = (noun, terminal) => {
  withOutput(noun.command('show'))
    .summary('show which stacks the server lets in')
    .action(async (options: OutputOptions) => {
      const { api } = await connect(terminal, options);
      await show(terminal, await answerOf(api.GET('/api/v1/trust')), options);
    });

  withOutput(noun.command('set'))
    .summary('say which stacks the server lets in')
    .argument('<policy>', POLICIES.join(', '))
    .option('-y, --yes', 'do not ask')
    .action(async (given: string, options: OutputOptions & { yes?: boolean }) => {
      const policy = POLICIES.find((each) => each === given);
      if (!policy) throw new UsageError(`There is no policy ${given}. Use ${POLICIES.join(', ')}.`);
      const { api } = await connect(terminal, options);
      await agreed(terminal, options, `Let in ${meaning[policy]}?`);
      const params = { path: { policy } };
      await show(terminal, await answerOf(api.PUT('/api/v1/trust/policy/{policy}', { params })), options);
    });

  withOutput(noun.command('allow'))
    .summary('put a stack on the list')
    .argument('<stack>', 'its digest (sha512-…), or name@version')
    .option('--note <text>', 'why')
    .action(async (given: string, options: OutputOptions & { note?: string }) => {
      const { api } = await connect(terminal, options);
      const note = options.note === undefined ? {} : { note: options.note };
      await answerOf(api.POST('/api/v1/trust/allowances', { body: { ...named(given), ...note } }));
      await show(terminal, await answerOf(api.GET('/api/v1/trust')), options);
    });

  withOutput(noun.command('disallow'))
    .summary('take a stack off the list')
    .argument('<stack>', 'as it was put there')
    .action(async (given: string, options: OutputOptions) => {
      const { api } = await connect(terminal, options);
      const { allowances } = await answerOf(api.GET('/api/v1/trust'));
      const found = allowances.filter((each) => wordsOf(each) === given || each.id === given);
      if (found.length === 0) throw new NotFoundError(`${given} is not on the list. "stackyard trust show" shows it.`);
      for (const { id: allowance } of found)
        await answerOf(api.DELETE('/api/v1/trust/allowances/{allowance}', { params: { path: { allowance } } }));
      await show(terminal, await answerOf(api.GET('/api/v1/trust')), options);
    });
};

function named(given: string): { digest: string } | { package: string; version: string } {
  if (given.startsWith('sha512-')) return { digest: given };
  const [, name, version] = /^(.+)@([^@]+)$/.exec(given) ?? [];
  if (name === undefined || version === undefined)
    throw new UsageError(`${given} is neither a digest nor a name with a version, such as @acme/db@1.2.3.`);
  return { package: name, version };
}

const wordsOf = ({ digest, package: name, version }: Trust['allowances'][number]): string =>
  digest ?? `${name}@${version}`;

async function show(terminal: Terminal, shown: Trust, { output }: OutputOptions): Promise<void> {
  const { dim, red } = terminal.colours;
  const text = `${shown.policy}: ${meaning[shown.policy]}`;
  const human = (): string =>
    facts(
      [
        ['Policy', shown.policy === 'any' ? red(text) : text],
        ...shown.allowances.map((each) => ['Allowed', `${wordsOf(each)}  ${dim(each.note)}`.trimEnd()] as const),
      ],
      dim,
    );
  await printOne(terminal, shown, { human, name: ({ policy }) => policy }, output);
}
