import { readFile, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { inspectProcess } from './process.ts';

/** PostgreSQL's main process, as its file `postmaster.pid` describes it. */
export interface Postmaster {
  readonly pid: number;
  /** Seconds since 1970. */
  readonly startedAt: number;
  readonly port: number;
  readonly socketDir: string;
  readonly status: 'starting' | 'stopping' | 'ready';
}

/** Parses `postmaster.pid`; undefined when its first line is not written yet. */
export function parsePostmaster(text: string): (Postmaster & { readonly dataDir: string }) | undefined {
  const [pid = '', dataDir = '', startedAt, port, socketDir = '', , , status = ''] = text.split('\n');
  if (!/^\d+$/.test(pid)) return undefined;
  const word = status.trim();
  return {
    pid: Number(pid),
    dataDir,
    startedAt: Number(startedAt),
    port: Number(port),
    socketDir,
    status: word === 'ready' || word === 'stopping' ? word : 'starting',
  };
}

/** The postmaster that runs on a PostgreSQL folder; undefined when none does. */
export async function findPostmaster(pgdata: string): Promise<Postmaster | undefined> {
  const found = parsePostmaster(await readFile(pidFile(pgdata), 'utf8').catch(() => ''));
  if (!found || !(await isPostmaster(found.pid, pgdata))) return undefined;
  return found;
}

/**
 * Puts a stale `postmaster.pid` aside whose number now belongs to another program: PostgreSQL would take
 * that program for a postmaster and refuse to start. A number that nobody has it handles itself.
 */
export async function putStaleFileAside(pgdata: string): Promise<number | undefined> {
  const found = parsePostmaster(await readFile(pidFile(pgdata), 'utf8').catch(() => ''));
  if (!found || !(await inspectProcess(found.pid)) || (await isPostmaster(found.pid, pgdata))) return undefined;
  await rename(pidFile(pgdata), `${pidFile(pgdata)}.stale`);
  return found.pid;
}

/**
 * Is this process the postmaster of this folder? Its command line and working directory tell. The start time in the
 * file is not compared: it is wall-clock time, and after the clock was set a living postmaster would look stale.
 */
export async function isPostmaster(pid: number, pgdata: string): Promise<boolean> {
  const facts = await inspectProcess(pid);
  if (!facts || basename(facts.args[0] ?? '') !== 'postgres') return false;
  return facts.cwd === undefined ? facts.args.includes(pgdata) : facts.cwd === pgdata;
}

const pidFile = (pgdata: string) => join(pgdata, 'postmaster.pid');
