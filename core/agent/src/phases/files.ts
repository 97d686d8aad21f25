import { spawn } from 'node:child_process';
import { constants, existsSync } from 'node:fs';
import { mkdir, open, realpath, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PhaseError } from '../errors.ts';
import { type PhaseContext } from './context.ts';

let counter = 0;

/** Numeric ids of a system user. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The owner of what a phase makes; undefined where everything belongs to the agent's own user. */
export async function ownerOf(
  context: PhaseContext,
  user: string | undefined = context.user,
): Promise<Owner | undefined> {
  if (!context.user || !user) return undefined;
  const [uid, gid] = await Promise.all([numberFrom('id', ['-u', '--', user]), numberFrom('id', ['-g', '--', user])]);
  if (uid === undefined || gid === undefined)
    throw new PhaseError(`There is no user ${user} on this host. Run install first.`);
  return { uid, gid };
}

/** Makes the service's user where the agent may do so. */
export async function ensureUser(context: PhaseContext): Promise<void> {
  const { user } = context;
  if (!user || (await numberFrom('id', ['-u', '--', user])) !== undefined) return;
  const failure = await runQuietly('useradd', [
    '--system',
    '--user-group',
    '--no-create-home',
    '--shell',
    '/usr/sbin/nologin',
    user,
  ]);
  if (failure !== undefined) throw new PhaseError(`The user ${user} could not be made: ${failure}`);
  context.log(`Made the system user ${user}.`);
}

/** Makes a directory and missing parents. Those below the host's root that did not exist get the same owner. */
export async function makeDirectory(
  path: string,
  { mode, owner }: { readonly mode: number; readonly owner?: Owner | undefined },
): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o755 });
  if (first === undefined && !owner) return;
  // The very directory that was looked at: a link put in its place meanwhile is not followed.
  const handle = await open(await realpath(path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    await handle.chmod(mode);
    if (owner) await handle.chown(owner.uid, owner.gid);
  } finally {
    await handle.close();
  }
}

/**
 * Makes a directory for logs. The service's user may write its own there, but what the agent's user writes beside them
 * as root stays what it is: in a sticky directory nobody else can put a link in the place of a file.
 */
export function makeLogDirectory(path: string, owner: Owner | undefined): Promise<void> {
  if (!owner) return makeDirectory(path, { mode: 0o755 });
  return makeDirectory(path, { mode: 0o1775, owner: { uid: process.getuid?.() ?? 0, gid: owner.gid } });
}

/** Writes a file at once or not at all. */
export async function writeAtomically(
  path: string,
  content: string,
  { mode, owner }: { readonly mode: number; readonly owner?: Owner | undefined },
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  counter += 1;
  const temporary = join(dirname(path), `.${process.pid}-${counter}.stackyard`);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      await handle.chmod(mode);
      if (owner) await handle.chown(owner.uid, owner.gid);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Removes a path, then parents that are empty, up to the host's root; tells whether there was anything. */
export async function removeWithEmptyParents(path: string, root: string): Promise<boolean> {
  const existed = existsSync(path);
  await rm(path, { recursive: true, force: true });
  const top = root === '/' ? '' : root;
  for (let parent = dirname(path); parent.startsWith(`${top}/`) && parent !== '/'; parent = dirname(parent)) {
    // The system's own first level, such as /etc, is nobody's to remove.
    if (root === '/' && dirname(parent) === '/') break;
    const removed = await rmdir(parent).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
    );
    if (!removed) break;
  }
  return existed;
}

export async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function numberFrom(program: string, args: readonly string[]): Promise<number | undefined> {
  const output: string[] = [];
  const failure = await runQuietly(program, args, (text) => output.push(text));
  return failure === undefined ? Number(output.join('').trim()) : undefined;
}

function runQuietly(
  program: string,
  args: readonly string[],
  onOutput: (text: string) => void = () => undefined,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => onOutput(chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code) => resolve(code === 0 ? undefined : errors.trim() || `exit code ${code}`));
  });
}
