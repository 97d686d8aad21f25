import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { headersOf, reach } from '../api/client.ts';
import { CliError, UsageError } from '../errors.ts';
import { exitCodeOf } from '../exitCodes.ts';
import type { Terminal } from '../output/terminal.ts';
import { collect, connect, onServer, readDocument, type ServerOptions } from './parts.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** `stackyard api GET /clusters`: any request, signed. */
export function apiCommand(command: Command, terminal: Terminal): void {
  onServer(command)
    .argument('<method>', METHODS.join(', '))
    .argument('<path>', 'under /api/v1; with --root from the root of the server, such as /metrics')
    .option('-d, --data <json>', 'the body: JSON, "@file", or "-" for standard input')
    .option('-H, --header <header>', 'a header, such as "If-Match: …"; may be repeated', collect)
    .option('--root', 'the path is not under /api/v1')
    .option('-i, --include', 'print status and headers to standard error')
    .action(
      async (
        method: string,
        path: string,
        options: ServerOptions & { data?: string; header?: string[]; root?: boolean; include?: boolean },
      ) => {
        const verb = method.toUpperCase();
        if (!METHODS.includes(verb))
          throw new UsageError(`${method} is no method of the API: use ${METHODS.join(', ')}.`);
        const { api } = await connect(terminal, options);
        const { connection } = api;
        const body = options.data === undefined ? undefined : await bodyOf(options.data);
        const headers = {
          accept: 'application/json, text/plain;q=0.9, */*;q=0.5',
          ...headersOf(connection),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(verb === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
          ...Object.fromEntries((options.header ?? []).map(headerOf)),
        };
        const url = connection.url + pathOf(path, options.root ?? false);
        const response = await reach(connection, () =>
          fetch(url, { method: verb, headers, ...(body === undefined ? {} : { body }) }),
        );
        if (options.include)
          terminal.err(
            `${response.status} ${response.statusText}\n${[...response.headers].map(([name, value]) => `${name}: ${value}\n`).join('')}\n`,
          );
        const decoder = new TextDecoder();
        let last = '';
        for await (const bytes of response.body ?? []) terminal.out((last = decoder.decode(bytes, { stream: true })));
        if (last !== '' && !last.endsWith('\n')) terminal.out('\n');
        if (!response.ok)
          throw new CliError(`${verb} ${path} was answered ${response.status}.`, exitCodeOf(response.status));
      },
    );
}

export function pathOf(path: string, root: boolean): string {
  const rooted = path.startsWith('/') ? path : `/${path}`;
  return root || rooted.startsWith('/api/') ? rooted : `/api/v1${rooted}`;
}

async function bodyOf(data: string): Promise<string> {
  if (data === '-' || data.startsWith('@'))
    return JSON.stringify(await readDocument(data === '-' ? '-' : data.slice(1)));
  try {
    return JSON.stringify(JSON.parse(data));
  } catch {
    throw new UsageError('--data is not valid JSON.');
  }
}

function headerOf(text: string): [string, string] {
  const at = text.indexOf(':');
  if (at < 1) throw new UsageError(`--header ${text} is none. Use "Name: value".`);
  return [text.slice(0, at).trim().toLowerCase(), text.slice(at + 1).trim()];
}
