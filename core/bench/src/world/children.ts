import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const READY_WITHIN_MS = 60_000;

export interface ChildOptions {
  readonly args: readonly string[];
  /** Where its standard error goes, and its standard output but for the first line. */
  readonly logFile: string;
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it says in its first line of output, as JSON, that it is ready; else its start is not waited for. */
  readonly announces?: boolean;
  /** How long it may take to get ready; a minute unless told. */
  readonly readyWithinMs?: number;
}

/** A Node process of ours. */
export interface Child<Ready> {
  readonly pid: number;
  readonly ready: Ready;
  /** From the start of the process to its first line, in milliseconds. */
  readonly readyMs: number;
  /** Ends it: SIGTERM unless told, and SIGKILL when that takes longer than 20 s. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts a process in a group of its own and waits until it is ready. @throws Error with the end of its log */
export async function startChild<Ready>(options: ChildOptions): Promise<Child<Ready>> {
  const { args, logFile, cwd, env, announces = true, readyWithinMs = READY_WITHIN_MS } = options;
  const log = openSync(logFile, 'a', 0o600);
  const startedMs = performance.now();
  const child = spawn(process.execPath, args, {
    cwd,
    detached: true,
    stdio: ['ignore', announces ? 'pipe' : log, log],
    env: { ...process.env, ...env },
  });
  closeSync(log);
  if (!child.stdout)
    return { pid: child.pid!, ready: undefined as Ready, readyMs: 0, end: (signal) => end(child, signal) };
  const lines = createInterface({ input: child.stdout });
  const tooLate = AbortSignal.timeout(readyWithinMs);
  const first = await Promise.race([
    once(lines, 'line', { signal: tooLate }).then(([line]) => line as string),
    once(child, 'exit', { signal: tooLate }).then(() => undefined),
  ]).catch(() => undefined);
  const readyMs = performance.now() - startedMs;
  if (first === undefined) {
    await end(child);
    throw new Error(`${args.join(' ')} did not get ready:\n${readFileSync(logFile, 'utf8').slice(-4000)}`);
  }
  child.stdout.resume();
  return { pid: child.pid!, ready: JSON.parse(first) as Ready, readyMs, end: (signal) => end(child, signal) };
}

async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await ended;
  clearTimeout(timer);
}

/** Ends whatever still runs on behalf of a directory of ours: runners, keepers, a database whose server was killed. */
export async function endAllOf(dir: string): Promise<void> {
  for (let round = 0; round < 100; round++) {
    const left = await processesOf(dir);
    if (left.length === 0) return;
    for (const pid of left) kill(pid);
    await delay(50);
  }
}

async function processesOf(dir: string): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => Number.isInteger(pid) && pid !== process.pid);
  return pids.filter((pid) => {
    try {
      if (/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))) return false;
      return ['cmdline', 'environ'].some((file) => readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(dir));
    } catch {
      return false; // it ended while we looked
    }
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
