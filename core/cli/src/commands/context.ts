import { isAbsolute, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { normalUrl } from '../connection/connection.ts';
import { type Context, putContext, readContexts, writeContexts } from '../connection/contexts.ts';
import { NotFoundError, UsageError } from '../errors.ts';
import { type Format, parseFormat, printList, type View } from '../output/print.ts';
import type { Terminal } from '../output/terminal.ts';
import type { Noun } from './parts.ts';
import { askSecret } from './secrets.ts';

type Named = Omit<Context, 'token'> & { readonly name: string; readonly current: boolean };

export const contexts: Noun = (noun, terminal) => {
  noun
    .command('list')
    .summary('list the servers you have stored')
    .option('-o, --output <format>', 'table, json, yaml or name', parseFormat, 'table')
    .action(async ({ output }: { output: Format }) => {
      const { current, contexts: all } = await readContexts(terminal.env);
      // Tokens are never shown.
      const shown = Object.entries(all).map(([name, { token: _token, ...rest }]) => ({
        name,
        current: name === current,
        ...rest,
      }));
      await printList(terminal, shown, contextView, output);
    });

  noun
    .command('set')
    .summary('store a server; its token is read from standard input or from a file')
    .argument('<name>', 'yours to choose')
    .requiredOption('--url <url>', 'http://host:port')
    .option('--token-file <file>', 'read at each use instead of storing the token')
    .option('--cluster <name>', 'the cluster that is meant where none is named')
    .action(async (name: string, options: { url: string; tokenFile?: string; cluster?: string }) => {
      const token = options.tokenFile === undefined ? (await tokenFrom(terminal)).trim() : undefined;
      if (token === '')
        throw new UsageError('No token came in. Give it on standard input, or name a file by --token-file.');
      const context: Context = {
        url: normalUrl(options.url),
        ...(token === undefined ? {} : { token }),
        ...(options.tokenFile === undefined
          ? {}
          : { tokenFile: isAbsolute(options.tokenFile) ? options.tokenFile : resolve(options.tokenFile) }),
        ...(options.cluster === undefined ? {} : { cluster: options.cluster }),
      };
      await putContext(terminal.env, name, context, { current: true });
      terminal.err(`Stored ${name}; commands speak to ${context.url} now.\n`);
    });

  noun
    .command('use')
    .summary('choose the server that commands speak to')
    .argument('<name>', 'a stored context')
    .action(async (name: string) => {
      const stored = await readContexts(terminal.env);
      if (!stored.contexts[name])
        throw new NotFoundError(
          `There is no context ${name}. Known: ${Object.keys(stored.contexts).join(', ') || 'none'}.`,
        );
      await writeContexts(terminal.env, { ...stored, current: name });
      terminal.err(`Commands speak to ${stored.contexts[name].url} now.\n`);
    });

  noun
    .command('remove')
    .summary('forget a stored server')
    .argument('<name>', 'a stored context')
    .action(async (name: string) => {
      const { current, contexts: all } = await readContexts(terminal.env);
      if (!all[name]) throw new NotFoundError(`There is no context ${name}.`);
      const { [name]: _gone, ...left } = all;
      await writeContexts(terminal.env, {
        ...(current === undefined || current === name ? {} : { current }),
        contexts: left,
      });
      terminal.err(`Forgot ${name}.\n`);
    });
};

async function tokenFrom(terminal: Terminal): Promise<string> {
  return terminal.interactive ? askSecret(terminal, 'Token') : text(process.stdin);
}

const contextView: View<Named> = {
  columns: ({ green }) => [
    { title: ' ', cell: ({ current }) => (current ? green('*') : ' ') },
    { title: 'CONTEXT', cell: ({ name }) => name },
    { title: 'URL', cell: ({ url }) => url },
    { title: 'CLUSTER', cell: ({ cluster }) => cluster ?? '' },
  ],
  name: ({ name }) => name,
  none: 'No server is stored yet. "stackyard context set NAME --url URL" stores one.',
};
