import { closeSync, linkSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { refusedAsExisting } from './durable.ts';

/** A file made ahead, empty: to make an inode takes longer than to write a record and to give it its name. */
export class Draft {
  #file: string;
  readonly #fd: number;

  constructor(file: string) {
    this.#file = file;
    this.#fd = openSync(file, 'wx', 0o600);
  }

  /** Away from a directory that others may remove. */
  moveTo(file: string): void {
    renameSync(this.#file, file);
    this.#file = file;
  }

  /**
   * Gives it this content and a second name, unless something is there already; tells whether this call made it. Every
   * process of this boot sees it whole, whoever is killed; a power loss may take or tear it. After an error
   * it may be tried again with the same content.
   */
  linkOnce(file: string, data: Uint8Array): boolean {
    for (let written = 0; written < data.length;) {
      written += writeSync(this.#fd, data, written, data.length - written, written);
    }
    try {
      linkSync(this.#file, file);
      return true;
    } catch (error) {
      return refusedAsExisting(error);
    }
  }

  /** Takes its first name away. It is not used any more. */
  discard(): void {
    closeSync(this.#fd);
    unlinkSync(this.#file);
  }
}
