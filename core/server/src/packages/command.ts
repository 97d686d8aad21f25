import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface CommandRun {
  readonly cwd: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** As much of a command's output as is kept. */
const KEPT_OUTPUT = 200_000;

/**
 * Runs a client of a registry to its end, in its user's own settings; in time or not at all.
 *
 * @returns how it ended, undefined for well, and the last of what it printed
 * @throws the error of the system when there is no such command; the signal's reason
 */
export async function runToEnd(
  command: string,
  argv: readonly string[],
  { cwd, timeoutMs, signal }: CommandRun,
): Promise<{ readonly exit: string | undefined; readonly output: string }> {
  signal.throwIfAborted();
  // A group of its own: such commands are scripts, and what they start has to end with them.
  const child = spawn(command, argv, { cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const end = () => {
    if (child.pid !== undefined) endGroup(child.pid);
  };
  limit.addEventListener('abort', end, { once: true });
  let output = '';
  const keep = (chunk: string) => (output = `${output}${chunk}`.slice(-KEPT_OUTPUT));
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  try {
    const [code, ended] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    signal.throwIfAborted();
    if (code === 0) return { exit: undefined, output };
    const exit = limit.aborted ? `a time-out after ${timeoutMs / 1000} s` : (ended ?? `exit code ${code}`);
    return { exit, output };
  } finally {
    limit.removeEventListener('abort', end);
  }
}

/** The end of an output, for a sentence. */
export function lastLines(output: string): string {
  const text = output.trim();
  return text === '' ? 'nothing.' : text.split('\n').slice(-5).join(' ');
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
