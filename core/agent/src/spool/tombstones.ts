import { type FileHandle, open, readFile } from 'node:fs/promises';
import { writeDurably } from './durable.ts';
import { type AttemptRef, attemptId } from './entry.ts';
import { decodeLine, encodeLine } from './record.ts';

/** What is kept of an attempt that is over: enough never to run it again. */
export interface Tombstone extends AttemptRef {
  /** Empty when the attempt was cancelled before its command came. */
  readonly hash: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly exitCode?: number | undefined;
  readonly reason?: string | undefined;
}

const keepMs = 7 * 24 * 3_600_000;
const keepCount = 100_000;

/** The append-only file of tombstones. Torn lines are passed over. */
export class TombstoneFile {
  readonly #file: string;
  readonly #byId: Map<string, Tombstone>;
  #handle: FileHandle;
  /** How many lines could not be read at the start. */
  readonly damaged: number;

  private constructor(file: string, handle: FileHandle, byId: Map<string, Tombstone>, damaged: number) {
    this.#file = file;
    this.#handle = handle;
    this.#byId = byId;
    this.damaged = damaged;
  }

  static async open(file: string): Promise<TombstoneFile> {
    const text = await readFile(file, 'utf8').catch(() => '');
    const lines = text.split('\n').filter((line) => line !== '');
    const found = lines.flatMap((line) => (decodeLine(line) as Tombstone | undefined) ?? []);
    const byId = new Map(found.map((tombstone) => [attemptId(tombstone), tombstone]));
    const damaged = lines.length - found.length;
    // A torn last line must not swallow the next one.
    if (damaged > 0) await writeDurably(file, found.map(encodeLine).join(''));
    return new TombstoneFile(file, await open(file, 'a', 0o600), byId, damaged);
  }

  /** Oldest first. */
  all(): IterableIterator<Tombstone> {
    return this.#byId.values();
  }

  get(ref: AttemptRef): Tombstone | undefined {
    return this.#byId.get(attemptId(ref));
  }

  async add(tombstone: Tombstone): Promise<void> {
    this.#byId.set(attemptId(tombstone), tombstone);
    await this.#handle.appendFile(encodeLine(tombstone));
  }

  async sync(): Promise<void> {
    await this.#handle.datasync();
  }

  /** Forgets what is older than seven days, and the oldest of more than 100,000. */
  async compact(now: number): Promise<void> {
    const surplus = this.#byId.size - keepCount;
    const kept = [...this.#byId.values()].filter(({ at }, index) => index >= surplus && now - at < keepMs);
    if (kept.length === this.#byId.size) return;
    this.#byId.clear();
    for (const tombstone of kept) this.#byId.set(attemptId(tombstone), tombstone);
    await this.#handle.close();
    await writeDurably(this.#file, kept.map(encodeLine).join(''));
    this.#handle = await open(this.#file, 'a', 0o600);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
