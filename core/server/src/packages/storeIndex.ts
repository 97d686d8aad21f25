import { readFile } from 'node:fs/promises';
import { replaceFile } from './durable.ts';
import type { Origin } from './descriptor.ts';

/** A package in the store, as the index file keeps it. The archive's file name follows from its digest. */
export interface IndexRow {
  /** The way (descriptor and origin) that it is the result of. */
  readonly key: string;
  readonly name: string;
  readonly version: string;
  /** `sha256-…` of the archive's bytes. */
  readonly digest: string;
  readonly contentDigest: string;
  readonly size: number;
  readonly origin: Origin;
  /** ISO time. */
  readonly builtAt: string;
  /** The archive's modification time when it was last verified. */
  readonly mtimeMs: number;
}

const FORMAT = 1;

/** The rows of a package store, written through to one JSON file, one write at a time. */
export class StoreIndex {
  readonly #path: string;
  readonly #rows = new Map<string, IndexRow>();
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string) {
    this.#path = path;
  }

  /** Reads the index. One that cannot be read counts as empty: everything in a store can be fetched again. */
  static async open(path: string): Promise<StoreIndex> {
    const index = new StoreIndex(path);
    for (const row of await readRows(path)) index.#rows.set(row.key, row);
    return index;
  }

  rows(): readonly IndexRow[] {
    return [...this.#rows.values()];
  }

  byKey(key: string): IndexRow | undefined {
    return this.#rows.get(key);
  }

  byDigest(digest: string): IndexRow | undefined {
    return this.rows().find((row) => row.digest === digest);
  }

  async put(...rows: readonly IndexRow[]): Promise<void> {
    for (const row of rows) this.#rows.set(row.key, row);
    await this.#write();
  }

  async drop(digest: string): Promise<void> {
    for (const row of this.rows()) if (row.digest === digest) this.#rows.delete(row.key);
    await this.#write();
  }

  async #write(): Promise<void> {
    const write = () => {
      const rows = this.rows().toSorted((a, b) => (a.key < b.key ? -1 : 1));
      return replaceFile(this.#path, `${JSON.stringify({ format: FORMAT, packages: rows }, undefined, 2)}\n`);
    };
    const written = this.#writing.then(write);
    this.#writing = written.catch(() => undefined);
    await written;
  }
}

async function readRows(path: string): Promise<readonly IndexRow[]> {
  try {
    const { format, packages } = JSON.parse(await readFile(path, 'utf8')) as { format: number; packages: IndexRow[] };
    return format === FORMAT ? packages : [];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return [];
    throw error;
  }
}
