import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from './embedded.ts';
import { findPostmaster } from './postmaster.ts';

/** What a server process of `testing-server.ts` told. */
export interface Told {
  readonly url: string;
  readonly adopted: boolean;
  readonly version: string;
  readonly pid: number;
  readonly error?: { readonly code: string; readonly name: string; readonly message: string };
}

/** Everything a test of this folder makes; `clean` ends and removes all of it, also after a failure. */
export interface World {
  newDir(under?: string): Promise<string>;
  start(options: Partial<EmbeddedPostgresOptions> & { dataDir: string }): Promise<EmbeddedPostgres>;
  /** Starts a server in a process of its own, below `prefix` (as `setpriv …`). */
  serve(options: object, prefix?: readonly string[]): Promise<{ child: ChildProcess; told: Told }>;
  /** Kills every server process of this world with SIGKILL. */
  killServers(): Promise<void>;
  clean(): Promise<void>;
}

export const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

export function createWorld(): World {
  const dirs: string[] = [];
  const children: ChildProcess[] = [];
  const killServers = async () => {
    for (const child of children) await killed(child);
  };
  return {
    killServers,
    async newDir(under = tmpdir()) {
      const dir = await mkdtemp(join(under, 'stackyard-pg-'));
      dirs.push(dir);
      return dir;
    },
    start: (options) => startEmbeddedPostgres({ log: silent, guardianSeconds: 5, ...options }),
    async serve(options, prefix = []) {
      const script = fileURLToPath(new URL('testing-server.ts', import.meta.url));
      const node = [process.execPath, '--conditions=@stackyard/source', script];
      const [file, ...args] = [...prefix, ...node, JSON.stringify({ guardianSeconds: 5, ...options })];
      const child = spawn(file ?? '', args, { stdio: ['pipe', 'pipe', 'inherit'] });
      children.push(child);
      for await (const line of createInterface(child.stdout)) return { child, told: JSON.parse(line) as Told };
      throw new Error('The server process ended without a word.');
    },
    async clean() {
      await killServers();
      for (const dir of dirs) {
        for (const pid of processesNaming(dir)) killQuietly(pid);
        await eventually(() => processesNaming(dir).length === 0);
        await chmod(dir, 0o700);
        await rm(dir, { recursive: true, force: true });
      }
    },
  };
}

/** Kills a child with SIGKILL and waits for its end. */
export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Waits for a condition, 30 seconds at most. */
export async function eventually(condition: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  const until = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > until) throw new Error('The condition was not met in time.');
    await delay(20);
  }
}

export async function query<T extends object>(url: string, sql: string): Promise<T[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Is PostgreSQL running on this data directory? */
export async function runs(dataDir: string): Promise<boolean> {
  return (await findPostmaster(join(dataDir, 'pgdata'))) !== undefined;
}

/** Fields of /proc/<pid>/stat after the name: state, parent, process group, … */
export function procStat(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

export const parentOf = (pid: number) => Number(procStat(pid)?.[1]);

/** Living processes of a process group: a guardian and its helpers. */
export function groupOf(group: number): readonly number[] {
  return allProcesses().filter((pid) => {
    const stat = procStat(pid);
    return stat?.[2] === String(group) && stat[0] !== 'Z';
  });
}

function processesNaming(dir: string): readonly number[] {
  return allProcesses().filter((pid) => {
    if (pid === process.pid || procStat(pid)?.[0] === 'Z') return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(dir);
    } catch {
      return false;
    }
  });
}

function allProcesses(): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It went by itself.
  }
}
