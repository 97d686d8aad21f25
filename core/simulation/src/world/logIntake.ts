import { acceptChunk, type LogEnd } from '@stackyard/server/engine';
import type { Process } from '../time/process.ts';
import type { Database } from './database.ts';
import { Inbox } from './inbox.ts';
import type { LogStream, LogUp } from './logFeeds.ts';
import type { Shelf } from './shelf.ts';
import type { End } from './stream.ts';

export interface IntakeOptions {
  readonly process: Process;
  readonly database: Database;
  readonly shelf: Shelf;
  readonly diskMs: () => number;
}

/** What a server process does with the output that agents send. */
export class LogIntake {
  readonly #options: IntakeOptions;
  readonly #streams = new Set<LogStream>();
  readonly #writes: (() => void)[] = [];
  /** How the files will be when all of these are done. */
  readonly #wanted = new Map<string, LogEnd>();

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** A new stream of a host. */
  accept(hostId: string, streamOf: (end: End<LogUp>) => LogStream): void {
    const { process, database } = this.#options;
    const owned = new Map<string, boolean>();
    const inbox = new Inbox<LogUp>((up) => {
      const isOwn = owned.get(up.attemptId);
      if (isOwn !== undefined) {
        this.#take(stream, up, isOwn);
        return undefined;
      }
      return (done) =>
        database.read(
          process,
          ({ attempts }) => attempts.get(up.attemptId)?.hostId === hostId,
          (found) => {
            // Without an answer the agent comes back and sends it again.
            if (found === undefined) return stream.leave('down', false);
            owned.set(up.attemptId, found);
            this.#take(stream, up, found);
            done();
          },
        );
    });
    const stream = streamOf({
      process,
      received: (up) => inbox.take(up),
      closed: () => this.#streams.delete(stream),
    });
    this.#streams.add(stream);
  }

  /** With its process. */
  leave(): void {
    for (const stream of this.#streams) stream.leave('down', false);
    this.#streams.clear();
  }

  #take(stream: LogStream, { attemptId, ...chunk }: LogUp, isOwn: boolean): void {
    const { shelf } = this.#options;
    const answer = (durable: number): void => stream.down.send({ attemptId, durable });
    if (!isOwn) {
      // Output of what is not on record is not kept.
      shelf.excused.add(attemptId);
      answer(chunk.offset + chunk.data.length);
      return;
    }
    const { size, complete } = shelf.fileOf(attemptId);
    const before = this.#wanted.get(attemptId) ?? { end: size, complete };
    const { log, append } = acceptChunk(before, chunk);
    this.#wanted.set(attemptId, log);
    this.#writes.push(() => {
      if (append.length > 0 || log.complete) shelf.append(attemptId, append, log.complete);
      answer(log.end);
    });
    if (this.#writes.length === 1) this.#writeNext();
  }

  #writeNext(): void {
    const { process, diskMs } = this.#options;
    process.later(diskMs(), () => {
      this.#writes[0]?.();
      this.#writes.shift();
      if (this.#writes.length > 0) this.#writeNext();
    });
  }
}
