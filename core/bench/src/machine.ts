import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** What the figures were measured on, in one line. */
export function machine(): string {
  const memory = Math.round(totalmem() / 1024 ** 3);
  const model = (cpus()[0]?.model ?? 'unknown processor').replaceAll(/\s+/g, ' ').trim();
  return `${cpus().length} × ${model}, ${memory} GiB, ${type()} ${release()}, Node ${process.versions.node}`;
}

/** Processes that ran or waited for a core, on average over the last minute. */
export function load(): number {
  return loadavg()[0] ?? 0;
}

/** Waits until the machine has little else to do; gives up after a while, for the load is told beside the figures. */
export async function untilQuiet({ below, withinMs }: { below: number; withinMs: number }): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (load() >= below) {
    if (performance.now() > deadline) return false;
    await delay(1000);
  }
  return true;
}
