import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ArtifactStore } from '../artifacts/store.ts';
import type { Spool } from '../spool/index.ts';

const SWEEP_MS = 3_600_000;
const DAY_MS = 24 * 3_600_000;

/** Removes hourly what nothing will ask for again; gives back what ends it. */
export function sweepEvery(from: {
  readonly spool: Spool;
  readonly artifacts: ArtifactStore;
  readonly downloadsDir: string;
  /** Digests of the artifacts that components of this host are defined by. */
  readonly used: () => readonly string[];
  /** Whether no attempt waits or runs, which may use what no component does yet. */
  readonly isIdle: () => boolean;
  readonly log: Logger;
}): () => void {
  const { spool, artifacts, downloadsDir, used, isIdle, log } = from;
  async function sweep(): Promise<void> {
    await spool.sweep();
    if (!isIdle()) return;
    await artifacts.keepOnly(used());
    await removeOld(downloadsDir);
  }
  const failed = (error: unknown): void => log.error({ err: error }, 'What is no longer needed could not be removed');
  const timer = setInterval(() => void sweep().catch(failed), SWEEP_MS).unref();
  return () => clearInterval(timer);
}

/** Archives that were downloaded and never unpacked. */
async function removeOld(dir: string): Promise<void> {
  for (const name of await readdir(dir).catch(() => [])) {
    const path = join(dir, name);
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > DAY_MS) await rm(path, { force: true });
  }
}
