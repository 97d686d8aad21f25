import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { LockToolMissingError } from './errors.ts';

/**
 * Node has no call for the kernel's file locks, so a short-lived child takes the lock on a file that both have open:
 * it belongs to the open file, stays with this process, and the kernel frees it however the process ends.
 */
const tools = {
  flock: (fd: number) => ['flock', '-n', '-x', String(fd)],
  perl: (fd: number) => ['perl', '-e', `open(F,"+<&=${fd}") or exit 2; exit(!flock(F,6))`],
} as const;

export type LockTool = keyof typeof tools;
const order: readonly LockTool[] = ['flock', 'perl'];

/** Tries to lock an open file for this process alone. Tells whether it did, and with which program. */
export async function tryLock(fd: number): Promise<{ locked: boolean; tool: LockTool }> {
  for (const tool of order) {
    const code = await exitCode(tools[tool](3), fd);
    if (code === undefined) continue;
    if (code <= 1) return { locked: code === 0, tool };
  }
  throw new LockToolMissingError();
}

/** Exit code of a program that gets the file as descriptor 3; undefined when there is no such program. */
async function exitCode([file = '', ...args]: readonly string[], fd: number): Promise<number | undefined> {
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'ignore', fd] });
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 2;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A shell function `lock <descriptor> <operation>`; operations are flock(2)'s numbers: 1 shared, 2 exclusive, + 4 without waiting, 8 free. */
export const lockFunction: Record<LockTool, string> = {
  flock: `lock() {
  case $2 in
    1) flock -s "$1" ;; 5) flock -s -n "$1" ;; 6) flock -x -n "$1" ;; 8) flock -u "$1" ;;
  esac
}`,
  perl: `lock() { perl -e 'open(F,"+<&=$ARGV[0]") or exit 2; exit(!flock(F,$ARGV[1]))' "$1" "$2"; }`,
};
