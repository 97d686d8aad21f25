import { closeSync, constants, ftruncateSync, openSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { DataDirBusyError } from './errors.ts';
import { type LockTool, tryLock } from './filelock.ts';
import type { Layout } from './layout.ts';
import { inspectProcess } from './process.ts';

/** The right to a data directory. The kernel takes it back when this process ends, however it ends. */
export interface DataDirLock {
  readonly tool: LockTool;
  release(): void;
}

interface Holder {
  readonly pid: number;
  readonly startedAt: string;
  readonly since: string;
}

/** A guardian may hold the lock for a moment, or while it stops PostgreSQL. */
const guardianSeconds = 60;

/** Takes the data directory for this process. Refused at once when a living server has it. */
export async function holdDataDir(layout: Layout): Promise<DataDirLock> {
  // A bare number: a file object would be closed, and the lock lost, when nobody refers to it any more.
  const file = openSync(layout.serverLock, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    const until = Date.now() + guardianSeconds * 1000;
    for (;;) {
      const { locked, tool } = await tryLock(file);
      if (locked) {
        await writeHolder(file);
        return { tool, release: once(() => letGo(file)) };
      }
      const holder = await readHolder(layout);
      if (holder || Date.now() > until) throw new DataDirBusyError(layout.dataDir, holder);
      await delay(50);
    }
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

async function writeHolder(file: number): Promise<void> {
  const facts = await inspectProcess(process.pid);
  const holder: Holder = { pid: process.pid, startedAt: facts?.startedAt ?? '', since: new Date().toISOString() };
  ftruncateSync(file);
  writeSync(file, `${JSON.stringify(holder)}\n`, 0);
}

/** Takes our line out first: the guardian tries the lock at times, and a start must not take us for the holder then. */
function letGo(file: number): void {
  try {
    ftruncateSync(file);
  } finally {
    closeSync(file);
  }
}

/** A number of a closed file may belong to another file already. */
function once(close: () => void): () => void {
  let open = true;
  return () => {
    if (open) close();
    open = false;
  };
}

/** Who wrote the file, if that process still lives: a killed server leaves its line behind. */
async function readHolder(layout: Layout): Promise<Holder | undefined> {
  try {
    const holder = JSON.parse(await readFile(layout.serverLock, 'utf8')) as Holder;
    const facts = await inspectProcess(holder.pid);
    return facts?.startedAt === holder.startedAt ? holder : undefined;
  } catch {
    return undefined;
  }
}
