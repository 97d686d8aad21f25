import { readdir, stat, statfs } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Gauges } from '../wire.ts';

const REFRESH_MS = 60_000;

/** What heartbeats carry of the agent's own health; looked up once a minute. */
export class GaugeReader {
  readonly #spoolDir: string;
  readonly #delay = monitorEventLoopDelay({ resolution: 50 });
  readonly #timer: NodeJS.Timeout;
  #spoolBytes = 0;
  #diskFree = 0;

  constructor(spoolDir: string) {
    this.#spoolDir = spoolDir;
    this.#delay.enable();
    this.#timer = setInterval(() => void this.#refresh(), REFRESH_MS).unref();
    void this.#refresh();
  }

  read(): Gauges {
    const loopLagMs = Math.round(this.#delay.max / 1e6);
    this.#delay.reset();
    return { spoolBytes: this.#spoolBytes, diskFree: this.#diskFree, loopLagMs };
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#delay.disable();
  }

  async #refresh(): Promise<void> {
    try {
      const { bavail, bsize } = await statfs(this.#spoolDir);
      this.#diskFree = bavail * bsize;
      let bytes = 0;
      for (const entry of await readdir(this.#spoolDir, { recursive: true, withFileTypes: true })) {
        if (entry.isFile()) bytes += (await stat(`${entry.parentPath}/${entry.name}`).catch(() => ({ size: 0 }))).size;
      }
      this.#spoolBytes = bytes;
    } catch {
      // Gauges only: the next minute may know more.
    }
  }
}
