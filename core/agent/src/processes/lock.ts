import { spawn } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { LockedError, ToolMissingError } from './errors.ts';
import { identityOf, parseIdentity } from './identity.ts';

/** A lock held until `release` or until this process ends, however it ends. */
export interface Lock {
  readonly file: string;
  release(): void;
}

/**
 * Takes an exclusive flock on a file and holds it for the life of this process; the kernel frees it, also after a kill -9.
 * The lock belongs to the open file, which the short-lived `flock` tool shares with us; we are left holding it, and since
 * Node opens files close-on-exec no child of ours inherits it.
 * @throws LockedError when somebody else holds it (after `waitMs` at most)
 */
export async function takeLock(file: string, { waitMs = 0 }: { waitMs?: number } = {}): Promise<Lock> {
  const fd = openSync(file, 'a+', 0o600);
  const taken = await flock(fd, waitMs).catch((error: unknown) => {
    closeSync(fd);
    throw error;
  });
  if (!taken) {
    closeSync(fd);
    throw new LockedError(file, parseIdentity(readFileSync(file, 'utf8'))?.pid);
  }
  const self = identityOf(process.pid);
  ftruncateSync(fd, 0);
  if (self) writeSync(fd, `${self.pid} ${self.startTime} ${self.bootId}\n`);
  let held = true;
  return {
    file,
    release() {
      if (held) closeSync(fd);
      held = false;
    },
  };
}

/** Whether somebody holds the lock on this file now. */
export async function isLocked(file: string): Promise<boolean> {
  let fd;
  try {
    fd = openSync(file, 'a');
  } catch {
    return false;
  }
  try {
    return !(await flock(fd, 0));
  } finally {
    closeSync(fd);
  }
}

function flock(fd: number, waitMs: number): Promise<boolean> {
  const wait = waitMs > 0 ? ['-w', String(waitMs / 1000)] : ['-n'];
  return new Promise((resolve, reject) => {
    const child = spawn('flock', [...wait, '-E', '75', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
    child.on('error', () => reject(new ToolMissingError('flock')));
    child.on('exit', (code) => resolve(code === 0));
  });
}

/**
 * Makes this process the only agent of a host root.
 * @throws LockedError naming the process that is it already
 */
export async function lockHostRoot(hostRoot: string): Promise<Lock> {
  const file = `${hostRoot}/agent.lock`;
  try {
    return await takeLock(file);
  } catch (error) {
    if (!(error instanceof LockedError)) throw error;
    const who = error.pid === undefined ? 'Another agent' : `Another agent, process ${error.pid},`;
    throw new LockedError(
      file,
      error.pid,
      `${who} already manages the host root ${hostRoot}. Stop it, or give this agent a root directory of its own.`,
    );
  }
}
