import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { AttemptRef } from '../session/messages.ts';

export const CHUNK_BYTES = 64 * 1024;
/** Sent and not yet durable at the server, per attempt. */
export const WINDOW_BYTES = 1024 * 1024;
/** What the server gets of one attempt's log at most; the file on the host keeps the rest. */
export const CAP_BYTES = 64 * 1024 * 1024;

export interface Chunk {
  readonly attempt: AttemptRef;
  readonly offset: number;
  readonly data: Buffer;
  readonly last: boolean;
}

/** The log of one attempt on its way to the server: what was sent, what is durable there, where the file ends. */
export class LogFeed {
  readonly attempt: AttemptRef;
  readonly #file: string;
  #handle: FileHandle | undefined;
  #watcher: FSWatcher | undefined;
  #acked = 0;
  #sent = 0;
  /** Size of the complete log, once the attempt has ended. */
  #size: number | undefined;
  /** The server has not yet said what it holds: one chunk asks it. */
  #asking = true;
  #asked = false;
  #lastSent = false;
  /** Counts streams: what was read for an earlier one is not sent on this one. */
  #round = 0;

  constructor(attempt: AttemptRef, file: string) {
    this.attempt = attempt;
    this.#file = file;
  }

  get unacked(): number {
    return this.#sent - this.#acked;
  }

  /** Everything is at the server. */
  get done(): boolean {
    return this.#lastSent && this.#size !== undefined && this.#acked >= this.#size;
  }

  /** Calls back when the file grows. */
  watch(grown: () => void): void {
    if (this.#watcher || this.#size !== undefined) return;
    try {
      this.#watcher = watch(this.#file, grown);
      this.#watcher.on('error', () => undefined);
    } catch {
      // Not there yet, or no more watches: the sender's own beat reads it.
    }
  }

  /** A new stream: what was sent and not acknowledged may be lost. */
  rewind(): void {
    this.#sent = this.#acked;
    this.#asking = true;
    this.#asked = false;
    this.#lastSent = false;
    this.#round += 1;
  }

  ended(size: number): void {
    this.#size = Math.min(size, CAP_BYTES);
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  acknowledged(durableOffset: number): void {
    // Behind what it held before: the server was restored from a backup and asks for those bytes again.
    if (this.#asking || durableOffset < this.#acked || durableOffset > this.#sent) {
      this.#sent = durableOffset;
      this.#lastSent &&= this.#size !== undefined && durableOffset >= this.#size;
    }
    this.#acked = durableOffset;
    this.#asking = false;
  }

  /** The next chunk to send, or undefined when there is none now. */
  async next(): Promise<Chunk | undefined> {
    if (this.#lastSent || (this.#asking && this.#asked) || this.unacked >= WINDOW_BYTES) return undefined;
    const offset = this.#sent;
    const round = this.#round;
    const limit = Math.min(CHUNK_BYTES, (this.#size ?? CAP_BYTES) - offset);
    const data = limit > 0 ? await this.#read(offset, limit) : Buffer.alloc(0);
    // An acknowledgement that came during the read may have moved the position.
    if (this.#sent !== offset || this.#round !== round) return this.next();
    // A file that is shorter than its size was cut from outside: what is left of it is all there is.
    if (this.#size !== undefined && data.length === 0) this.#size = Math.min(this.#size, offset);
    const last = this.#size !== undefined && offset + data.length >= this.#size;
    if (data.length === 0 && !last) return undefined;
    this.#sent = offset + data.length;
    this.#asked = true;
    this.#lastSent = last;
    return { attempt: this.attempt, offset, data, last };
  }

  async close(): Promise<void> {
    this.#watcher?.close();
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async #read(offset: number, length: number): Promise<Buffer> {
    try {
      this.#handle ??= await open(this.#file, 'r');
    } catch {
      return Buffer.alloc(0);
    }
    const buffer = Buffer.allocUnsafe(length);
    const { bytesRead } = await this.#handle.read(buffer, 0, length, offset);
    return buffer.subarray(0, bytesRead);
  }
}
