import type { Readable } from 'node:stream';

const KEPT_BYTES = 1024 * 1024;
/** A longer line is cut in the task's log, so that a program cannot fill the memory with one. */
const LINE_BYTES = 1024 * 1024;
const LINE_BREAK = 10;

/** One output of a program: whole lines go to the task's log as they come, many at once, and the newest part is kept. */
export class ProgramOutput {
  /** Resolves when everybody has closed it. */
  readonly ended: Promise<void>;
  readonly #stream: Readable;
  readonly #log: (lines: string) => void;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #line: Buffer[] = [];
  #lineBytes = 0;
  #bytes = 0;

  /** `log` is given one or more lines without the last line break. */
  constructor(stream: Readable, log: (lines: string) => void) {
    this.#stream = stream;
    this.#log = log;
    this.ended = new Promise((resolve) => stream.on('close', () => resolve()));
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('end', () => this.#flush());
    stream.on('error', () => undefined);
  }

  /** How much was read so far. */
  get bytes(): number {
    return this.#bytes;
  }

  text(): string {
    return Buffer.concat(this.#kept).subarray(-KEPT_BYTES).toString('utf8');
  }

  /** Reads no more. */
  close(): void {
    this.#flush();
    this.#stream.removeAllListeners('data');
    this.#stream.destroy();
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#keep(chunk);
    // A line break is never a part of another character, so what ends there is whole.
    const end = chunk.lastIndexOf(LINE_BREAK);
    if (end >= 0) {
      this.#line.push(chunk.subarray(0, end));
      this.#write();
    }
    const rest = chunk.subarray(end + 1);
    if (rest.length === 0) return;
    this.#line.push(rest);
    this.#lineBytes += rest.length;
    if (this.#lineBytes >= LINE_BYTES) this.#write();
  }

  #keep(chunk: Buffer): void {
    this.#kept.push(chunk);
    this.#keptBytes += chunk.length;
    for (let first = this.#kept[0]!; this.#keptBytes - first.length >= KEPT_BYTES; first = this.#kept[0]!) {
      this.#keptBytes -= first.length;
      this.#kept.shift();
    }
  }

  #flush(): void {
    if (this.#lineBytes > 0) this.#write();
  }

  #write(): void {
    const lines = this.#line.length === 1 ? this.#line[0]! : Buffer.concat(this.#line);
    this.#line = [];
    this.#lineBytes = 0;
    this.#log(lines.toString('utf8'));
  }
}
