import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@stackyard/kernel';

const SWEEP_MS = 3_600_000;
/** Files looked at between two pauses, so that requests never wait for a sweep. */
const BATCH = 100;
const PAUSE_MS = 20;

/**
 * Removes the logs below `<dir>/<shard>/` that nobody has written to since `before` (milliseconds since 1970), a few at a
 * time. Gives back how many. A log whose attempt still runs would be sent anew from its beginning.
 */
export async function removeOldLogs(dir: string, before: number, signal?: AbortSignal): Promise<number> {
  let [looked, removed] = [0, 0];
  for (const shard of await readdir(dir).catch(() => [])) {
    for (const name of await readdir(join(dir, shard)).catch(() => [])) {
      if (signal?.aborted) return removed;
      looked += 1;
      if (looked % BATCH === 0) await delay(PAUSE_MS);
      const file = join(dir, shard, name);
      const found = await stat(file).catch(() => undefined);
      if (!found?.isFile() || found.mtimeMs >= before) continue;
      await rm(file, { force: true });
      removed += 1;
    }
  }
  return removed;
}

/** Removes hourly, and now, the logs older than `keepMs`; gives back what ends it. */
export function removeOldLogsHourly(from: {
  readonly dir: string;
  readonly keepMs: number;
  readonly now: () => number;
  readonly log: Logger;
}): () => Promise<void> {
  const { dir, keepMs, now, log } = from;
  const stopped = new AbortController();
  let running = Promise.resolve();
  const sweep = (): void => {
    running = removeOldLogs(dir, now() - keepMs, stopped.signal).then(
      (removed) => {
        if (removed > 0) log.info({ removed }, 'Old logs were removed');
      },
      (error: unknown) => log.error({ err: error }, 'Old logs could not be removed'),
    );
  };
  const timer = setInterval(sweep, SWEEP_MS).unref();
  sweep();
  return async () => {
    clearInterval(timer);
    stopped.abort();
    await running;
  };
}
