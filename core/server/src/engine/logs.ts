import { createReadStream, statSync, type Stats } from 'node:fs';
import { chmod, type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parseAttemptId } from './attemptIds.ts';
import { acceptChunk, type LogEnd } from './logIntake.ts';
import type { LogStore } from './ports.ts';

interface OpenLog {
  /** How the file will be when all that waits is written. */
  wanted: LogEnd;
  written: number;
  waiting: Uint8Array[];
  complete: boolean;
  flushing: Promise<void> | undefined;
  readonly watchers: Set<() => void>;
}

/** The owner's write bit: a log that has ended is read-only, which is all that marks its end. */
const WRITABLE = 0o200;
const CHUNK_BYTES = 64 * 1024;
/** Logs as files `<dir>/<first two of the task id>/<task id>.<number>.log`. What waits while one write runs shares the next. */
export class DiskLogStore implements LogStore {
  readonly #folder: string;
  readonly #open = new Map<string, OpenLog>();

  /** `dir` is made when the first log is written. */
  constructor({ dir }: { readonly dir: string }) {
    this.#folder = dir;
  }

  size(attemptId: string): number {
    return this.#open.get(attemptId)?.written ?? this.#stat(attemptId)?.size ?? 0;
  }

  complete(attemptId: string): boolean {
    return this.#open.get(attemptId)?.complete ?? isComplete(this.#stat(attemptId));
  }

  async append(attemptId: string, offset: number, data: Uint8Array, last: boolean): Promise<number> {
    const log = this.#get(attemptId);
    const { log: wanted, append } = acceptChunk(log.wanted, { offset, data, last });
    log.wanted = wanted;
    log.waiting.push(...append);
    while (log.written < wanted.end || (wanted.complete && !log.complete)) await this.#flush(attemptId, log);
    this.#forgetIdle(attemptId, log);
    return log.written;
  }

  async *read(attemptId: string, from: number, to = this.size(attemptId)): AsyncGenerator<Uint8Array> {
    if (from >= to) return;
    const stream = createReadStream(this.#path(attemptId), { start: from, end: to - 1, highWaterMark: CHUNK_BYTES });
    yield* stream as AsyncIterable<Buffer>;
  }

  watch(attemptId: string, onChange: () => void): () => void {
    const log = this.#get(attemptId);
    log.watchers.add(onChange);
    return () => {
      log.watchers.delete(onChange);
      this.#forgetIdle(attemptId, log);
    };
  }

  #get(attemptId: string): OpenLog {
    let log = this.#open.get(attemptId);
    if (!log) {
      const stats = this.#stat(attemptId);
      const end = stats?.size ?? 0;
      log = {
        wanted: { end, complete: isComplete(stats) },
        written: end,
        waiting: [],
        complete: isComplete(stats),
        flushing: undefined,
        watchers: new Set(),
      };
      this.#open.set(attemptId, log);
    }
    return log;
  }

  #flush(attemptId: string, log: OpenLog): Promise<void> {
    log.flushing ??= this.#write(attemptId, log).finally(() => {
      log.flushing = undefined;
    });
    return log.flushing;
  }

  async #write(attemptId: string, log: OpenLog): Promise<void> {
    const path = this.#path(attemptId);
    // The chunks that came in the same frame share one write.
    await nextTurn();
    const { waiting, wanted } = log;
    log.waiting = [];
    try {
      if (log.written === 0) await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const file = await open(path, 'a', 0o600);
      try {
        if (waiting.length > 0) await writeAll(file, waiting);
        // Until its end an agent can send it again, and asks at each new stream from where on. A silent attempt, of which
        // there are many, leaves an empty file: nothing that could be lost.
        if (wanted.complete && wanted.end > 0) await file.datasync();
      } finally {
        await file.close();
      }
      if (wanted.complete) await chmod(path, 0o400);
    } catch (error) {
      // What is really there counts: the agent sends the rest again from there.
      this.#open.delete(attemptId);
      throw error;
    }
    log.written = wanted.end;
    log.complete = wanted.complete;
    for (const watcher of log.watchers) watcher();
  }

  #forgetIdle(attemptId: string, log: OpenLog): void {
    const idle = log.watchers.size === 0 && log.waiting.length === 0 && !log.flushing;
    if (idle && this.#open.get(attemptId) === log) this.#open.delete(attemptId);
  }

  #stat(attemptId: string): Stats | undefined {
    return statSync(this.#path(attemptId), { throwIfNoEntry: false });
  }

  #path(attemptId: string): string {
    const { taskId, number } = parseAttemptId(attemptId);
    return join(this.#folder, taskId.slice(0, 2), `${taskId}.${number}.log`);
  }
}

/** All at once; a full disk may take only a part. */
async function writeAll(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const { bytesWritten } = await file.writev(parts);
  if (bytesWritten < length) await file.writeFile(Buffer.concat(parts).subarray(bytesWritten));
}

function isComplete(stats: Stats | undefined): boolean {
  return stats !== undefined && (stats.mode & WRITABLE) === 0;
}
