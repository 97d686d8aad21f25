import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMachineBusy } from '../processes/contention.ts';
import { lookAgainMs } from './quietMoment.ts';

const firstMs = 100;
const longestMs = 3_000;

/**
 * The directory of an attempt that is still to come, with an empty `cmd`, made ahead: to make the two took a
 * millisecond of a small task, to write the command and to give the directory its name a fraction of that.
 */
export class SpareEntry {
  readonly #dir: string;
  /** It is there, and nothing was put into it. */
  #isReady = false;
  /** The spool may be another agent's from then on. */
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(spoolDir: string) {
    this.#dir = join(spoolDir, 'spare');
    this.#makeAhead();
  }

  /** Puts a command into it and makes it the entry of an attempt. Nothing of that is durable yet. */
  become(entry: string, command: Uint8Array): void {
    if (this.#isReady) {
      try {
        return this.#put(entry, command);
      } catch {
        // Somebody has changed it: the one that is made now tells what is wrong.
      }
    }
    this.#make();
    this.#put(entry, command);
  }

  /** Makes the next one when nobody waits for a core. */
  replaceSoon(): void {
    if (this.#isClosed) return;
    const startedAt = performance.now();
    const look = (): void => {
      const waitedMs = performance.now() - startedAt;
      const againMs = lookAgainMs({ waitedMs, longestMs, busy: isMachineBusy(), random: Math.random() });
      if (againMs !== undefined) this.#lookAfter(againMs, look);
      else if (!this.#isReady) this.#makeAhead();
    };
    this.#lookAfter(firstMs, look);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #lookAfter(ms: number, look: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(look, ms).unref();
  }

  #makeAhead(): void {
    try {
      this.#make();
    } catch {
      // A disk that is full is told of when a command comes.
    }
  }

  #make(): void {
    this.#isReady = false;
    rmSync(this.#dir, { recursive: true, force: true });
    mkdirSync(this.#dir, { mode: 0o700 });
    writeFileSync(join(this.#dir, 'cmd'), '', { mode: 0o600 });
    this.#isReady = true;
  }

  #put(entry: string, command: Uint8Array): void {
    this.#isReady = false;
    writeFileSync(join(this.#dir, 'cmd'), command, { flag: 'r+' });
    renameSync(this.#dir, entry);
  }
}
