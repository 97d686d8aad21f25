import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { answerOf } from '../api/client.ts';
import type { Publisher } from '../api/types.ts';
import { CliError, UsageError } from '../errors.ts';
import { printList, printOne, type View } from '../output/print.ts';
import { facts } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';
import { agreed } from './execute.ts';
import { collect, connect, type Noun, type OutputOptions, withOutput } from './parts.ts';

interface ScopeOptions extends OutputOptions {
  readonly scope?: readonly string[];
}

/** The verbs that change the state of a key: what each means is asked before. */
const steps = [
  {
    verb: 'retire',
    summary: 'let a key sign no more; what it has signed stays valid',
    question: (key: string) => `Retire ${key}? What it has signed stays valid. This cannot be taken back.`,
  },
  {
    verb: 'revoke',
    summary: 'let nothing in any more that a key has signed',
    question: (key: string) => `Revoke ${key}? Nothing it has signed is let in any more. This cannot be taken back.`,
  },
] as const;

export const publishers: Noun = (noun, terminal) => {
  noun
    .command('keygen')
    .summary('make a key to sign stacks with')
    .argument('<name>', 'the publisher, such as acme')
    .option('--out <file>', 'where the private key goes; <name>.key.json unless given')
    .action((name: string, options: { out?: string }) => keygen(terminal, name, options.out));

  withOutput(noun.command('list'))
    .summary('list the publishers that the server trusts, and their keys')
    .action(async (options: OutputOptions) => {
      const { api } = await connect(terminal, options);
      const { items } = await answerOf(api.GET('/api/v1/publishers'));
      await printList(terminal, items, publisherView, options.output);
    });

  withOutput(noun.command('add'))
    .summary('trust a key of a publisher')
    .argument('<public-key>', 'the line that "keygen" printed, or a file that holds it')
    .option('--scope <pattern>', 'packages it is trusted for, such as @acme/*; may be repeated', collect)
    .action(async (given: string, options: ScopeOptions) => {
      const publicKey = given.includes(' ') ? given : await read(given);
      const { api } = await connect(terminal, options);
      const body = { publicKey: publicKey.trim(), ...(options.scope ? { scopes: [...options.scope] } : {}) };
      await show(terminal, await answerOf(api.POST('/api/v1/publishers', { body })), options);
    });

  withOutput(noun.command('scope'))
    .summary('say for which packages a publisher is trusted')
    .argument('<name>', 'the publisher')
    .option('--scope <pattern>', 'packages, such as @acme/*; may be repeated; none at all for nothing', collect)
    .action(async (publisher: string, options: ScopeOptions) => {
      const { api } = await connect(terminal, options);
      const body = { scopes: [...(options.scope ?? [])] };
      const path = { publisher };
      const now = await answerOf(api.PUT('/api/v1/publishers/{publisher}/scopes', { params: { path }, body }));
      await show(terminal, now, options);
    });

  for (const { verb, summary, question } of steps)
    withOutput(noun.command(verb))
      .summary(summary)
      .argument('<key-id>', 'as "publisher list" shows it')
      .option('-y, --yes', 'do not ask')
      .action(async (keyId: string, options: OutputOptions & { yes?: boolean }) => {
        const { api } = await connect(terminal, options);
        await agreed(terminal, options, question(keyId));
        const params = { path: { keyId } };
        const now = await answerOf(
          verb === 'retire'
            ? api.POST('/api/v1/publishers/keys/{keyId}/retire', { params })
            : api.POST('/api/v1/publishers/keys/{keyId}/revoke', { params }),
        );
        await show(terminal, now, options);
      });
};

async function keygen(terminal: Terminal, name: string, out = `${name}.key.json`): Promise<void> {
  const { generateSigningKey, privateKeyText, publicKeyLine, SigningError } = await import('@stackyard/sdk/artifact');
  try {
    const key = generateSigningKey(name);
    // Never over another key: what it has signed could not be signed again.
    await writeFile(resolve(out), privateKeyText(key), { mode: 0o600, flag: 'wx' });
    terminal.out(`${publicKeyLine(key)}\n`);
    terminal.err(
      `The private key is in ${resolve(out)}: keep it where only you can read it, and a copy where it cannot be lost.\nGive the line above to those who are to trust you: stackyard publisher add '<line>' --scope '@${name}/*'\n`,
    );
  } catch (error) {
    if (error instanceof SigningError) throw new UsageError(error.message);
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new CliError(`${out} is there already. Choose another file by --out.`);
    throw error;
  }
}

async function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CliError(`${file} is neither a public key nor a file that can be read (${error.code}).`);
  });
}

const publisherView: View<Publisher> = {
  columns: () => [
    { title: 'PUBLISHER', cell: ({ name }) => name },
    { title: 'TRUSTED FOR', cell: ({ scopes }) => scopes.join(', ') || 'nothing' },
    { title: 'KEYS', cell: ({ keys }) => keys.map(({ keyId, state }) => `${keyId} (${state})`).join(', ') },
  ],
  name: ({ name }) => name,
  none: 'The server trusts no publisher. Add one by "stackyard publisher add".',
};

async function show(terminal: Terminal, publisher: Publisher, { output }: OutputOptions): Promise<void> {
  const human = (): string =>
    facts(
      [
        ['Publisher', publisher.name],
        ['Trusted for', publisher.scopes.join(', ') || 'nothing'],
        ...publisher.keys.map(({ keyId, state }) => ['Key', `${keyId}, ${state}`] as const),
      ],
      terminal.colours.dim,
    );
  await printOne(terminal, publisher, { human, name: ({ name }) => name }, output);
}
