import type { Random } from '../time/random.ts';

interface LogFile {
  size: number;
  synced: number;
  complete: boolean;
}

/** Told of every append: these bytes stand in the log from here on. */
export type LogListener = (attemptId: string, from: number, data: Uint8Array) => void;

/** The logs on the disk of a server's machine; it outlives the server. */
export class Shelf {
  readonly #written: LogListener;
  #files = new Map<string, LogFile>();
  /** Attempts of which not all must be here in the end: what was acknowledged is not sent again when a backup is restored. */
  readonly excused = new Set<string>();

  constructor(written: LogListener) {
    this.#written = written;
  }

  fileOf(attemptId: string): Readonly<LogFile> {
    return this.#files.get(attemptId) ?? { size: 0, synced: 0, complete: false };
  }

  append(attemptId: string, parts: readonly Uint8Array[], complete: boolean): void {
    const file = { ...this.fileOf(attemptId) };
    for (const part of parts) {
      this.#written(attemptId, file.size, part);
      file.size += part.length;
    }
    // Synced once: at its end.
    if (complete) file.synced = file.size;
    this.#files.set(attemptId, { ...file, complete });
  }

  /** The power of its machine goes: what was not synced is lost, or some of it. */
  losePower(random: Random): void {
    for (const file of this.#files.values()) file.size = Math.floor(random.between(file.synced, file.size));
  }

  backup(): ReadonlyMap<string, LogFile> {
    return new Map([...this.#files].map(([id, file]) => [id, { ...file }]));
  }

  restore(backup: ReadonlyMap<string, LogFile>): void {
    for (const [id, { complete }] of this.#files) if (complete && !backup.get(id)?.complete) this.excused.add(id);
    this.#files = new Map([...backup].map(([id, file]) => [id, { ...file }]));
  }
}
