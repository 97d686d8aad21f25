import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { pieceAt } from './kept.ts';
import { trim, trimmable } from './trim.ts';

/** Looks that follow one another at once are one: a program that prints a lot would be all there is to look at. */
const LOOK_MS = 5;

/** The output of one attempt on the disk of the host: watched, read, and kept from filling the disk. */
export class OutputFile {
  readonly #path: string;
  readonly #grown: (written: number) => void;
  #handle: FileHandle | undefined;
  #watcher: FSWatcher | undefined;
  #look: NodeJS.Timeout | undefined;
  #trimmedTo = 0;
  #trimming: Promise<void> | undefined;
  /** The middle of a long log is given back to the disk as it grows. */
  #trims = true;
  #ended = false;
  #closed = false;

  /** `grown` is told the size, first of all the one there is. */
  constructor(path: string, grown: (written: number) => void) {
    this.#path = path;
    this.#grown = grown;
  }

  /** Looks now, and from now on whenever the file grows; to be repeated, since the host may be out of watches. */
  follow(): void {
    if (this.#ended || this.#closed) return;
    this.#lookSoon(0);
    if (this.#watcher) return;
    try {
      this.#watcher = watch(this.#path, () => this.#lookSoon(LOOK_MS));
      this.#watcher.on('error', () => this.#unwatch());
    } catch {
      // Not there yet, or no more watches.
    }
  }

  /** The attempt has ended: nothing more is looked at or given back. Resolves when nothing is being given back. */
  async ended(): Promise<void> {
    this.#ended = true;
    this.#unwatch();
    clearTimeout(this.#look);
    await this.#trimming;
  }

  /** How much was written so far; 0 when there is no file. */
  async size(): Promise<number> {
    const handle = await this.#open();
    // It may be closed meanwhile.
    return (await handle?.stat().catch(() => undefined))?.size ?? 0;
  }

  /** Bytes of the log as the server gets it. `written` is the size of all output, when the attempt has ended. */
  async read(offset: number, length: number, written: number | undefined): Promise<Buffer> {
    const piece = pieceAt(offset, length, written);
    if (piece.kind === 'marker') return piece.bytes;
    const handle = await this.#open();
    if (!handle) return Buffer.alloc(0);
    const buffer = Buffer.allocUnsafeSlow(piece.length);
    const { bytesRead } = await handle.read(buffer, 0, piece.length, piece.at);
    return buffer.subarray(0, bytesRead);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#unwatch();
    clearTimeout(this.#look);
    await this.#trimming;
    await this.#handle?.close();
    this.#handle = undefined;
  }

  #lookSoon(afterMs: number): void {
    this.#look ??= setTimeout(() => {
      this.#look = undefined;
      void this.size().then((written) => {
        if (this.#ended || this.#closed) return;
        this.#grown(written);
        this.#trim(written);
      });
    }, afterMs).unref();
  }

  #trim(written: number): void {
    const end = trimmable(written, this.#trimmedTo);
    if (end === undefined || this.#trimming || !this.#trims) return;
    this.#trimming = trim(this.#path, end).then((trimmed) => {
      this.#trimming = undefined;
      if (trimmed) this.#trimmedTo = end;
      else this.#trims = false; // the disk cannot be spared here; the rest works all the same
    });
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  async #open(): Promise<FileHandle | undefined> {
    if (this.#handle || this.#closed) return this.#handle;
    try {
      const handle = await open(this.#path, 'r');
      if (this.#handle === undefined && !this.#closed) this.#handle = handle;
      else await handle.close();
    } catch {
      return undefined; // it has printed nothing yet
    }
    return this.#handle;
  }
}
