import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { CliError } from '../errors.ts';

/** A server that the user speaks to, by a name of theirs. */
export interface Context {
  readonly url: string;
  readonly token?: string;
  /** Read at each use, so that a token that is replaced need not be copied. */
  readonly tokenFile?: string;
  readonly cluster?: string;
}

export interface Contexts {
  readonly current?: string;
  readonly contexts: Readonly<Record<string, Context>>;
}

type Env = Readonly<Record<string, string | undefined>>;

export function contextsFile(env: Env): string {
  return join(env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config'), 'stackyard', 'config.yaml');
}

/** The stored contexts; none when there is no file. @throws CliError when it cannot be read */
export async function readContexts(env: Env): Promise<Contexts> {
  const file = contextsFile(env);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { contexts: {} };
    throw new CliError(
      `The contexts in ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}. Mend the file's rights.`,
    );
  }
  try {
    const stored = (parse(text) ?? {}) as Partial<Contexts>;
    return { ...stored, contexts: stored.contexts ?? {} };
  } catch {
    throw new CliError(`The contexts in ${file} are no valid YAML. Mend the file, or delete it and start again.`);
  }
}

/** Writes the contexts whole or not at all, for this user only, because they hold tokens. */
export async function writeContexts(env: Env, contexts: Contexts): Promise<void> {
  const file = contextsFile(env);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const partial = `${file}.${process.pid}.new`;
  await writeFile(partial, stringify(contexts), { mode: 0o600 });
  await rename(partial, file);
}

/** Stores a context; it becomes the current one when asked for or when there is no other. */
export async function putContext(
  env: Env,
  name: string,
  context: Context,
  { current }: { readonly current: boolean },
): Promise<void> {
  const stored = await readContexts(env);
  const chosen = current || !stored.current || !stored.contexts[stored.current] ? name : stored.current;
  await writeContexts(env, { current: chosen, contexts: { ...stored.contexts, [name]: context } });
}
