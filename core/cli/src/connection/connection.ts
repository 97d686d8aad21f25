import { readFile } from 'node:fs/promises';
import type { Connection } from '../api/client.ts';
import { CliError, NotFoundError, NotSignedInError, UsageError } from '../errors.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** A connection, and the cluster that is meant where none is named. */
export interface Chosen extends Connection {
  readonly cluster: string | undefined;
}

const DEFAULT_URL = 'http://127.0.0.1:8080';

/**
 * Which server to speak to: the environment wins, then the context that was named, then the current one.
 *
 * @throws NotSignedInError when there is no token for it, UsageError, NotFoundError
 */
export async function chooseConnection(
  env: Env,
  { context }: { readonly context?: string | undefined } = {},
): Promise<Chosen> {
  const named = context ?? env['STACKYARD_CONTEXT'];
  const stored = env['STACKYARD_URL'] && !named ? undefined : await storedContext(env, named);
  const url = normalUrl(env['STACKYARD_URL'] || stored?.url || DEFAULT_URL);
  const token = (await environmentToken(env)) ?? (await ownToken(stored));
  if (token === undefined) {
    throw new NotSignedInError(
      `No token is known for ${url}. Set STACKYARD_TOKEN_FILE to the file that the server named when it started, or store one by "stackyard context set".`,
    );
  }
  return { url, token, cluster: env['STACKYARD_CLUSTER'] || stored?.cluster };
}

async function storedContext(env: Env, named: string | undefined) {
  const { readContexts } = await import('./contexts.ts');
  const { current, contexts } = await readContexts(env);
  const name = named ?? current;
  if (name === undefined) return undefined;
  const found = contexts[name];
  if (!found && named !== undefined) {
    throw new NotFoundError(`There is no context ${named}. Known: ${Object.keys(contexts).join(', ') || 'none'}.`);
  }
  return found;
}

async function environmentToken(env: Env): Promise<string | undefined> {
  if (env['STACKYARD_TOKEN']) return env['STACKYARD_TOKEN'].trim();
  const file = env['STACKYARD_TOKEN_FILE'];
  return file ? readToken(file) : undefined;
}

async function ownToken(
  context: { readonly token?: string; readonly tokenFile?: string } | undefined,
): Promise<string | undefined> {
  if (context?.token) return context.token;
  return context?.tokenFile ? readToken(context.tokenFile) : undefined;
}

/** @throws CliError */
export async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new CliError(`The token file ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}.`);
  }
}

/** http://host:port without a path. @throws UsageError */
export function normalUrl(text: string): string {
  const parsed = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (!parsed || !/^https?:$/.test(parsed.protocol))
    throw new UsageError(`${text} is no URL of a server. Use one like ${DEFAULT_URL}.`);
  return parsed.origin;
}
