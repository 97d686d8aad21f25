/** Fields of a header as they are, true or not; texts or bytes. */
export interface RawEntry {
  readonly path: string | Buffer;
  readonly content?: string | Buffer;
  readonly type?: string;
  readonly mode?: string;
  readonly uid?: string;
  readonly mtime?: string;
  readonly link?: string | Buffer;
  readonly prefix?: string | Buffer;
  readonly magic?: string;
  /** Octal digits, or the twelve bytes; the length of the content when absent. */
  readonly size?: string | Buffer;
  readonly checksum?: string;
  readonly device?: string;
  /** What stands between the content and the next header; zeros when absent. */
  readonly padding?: Buffer;
}

const BLOCK = 512;
export const END = Buffer.alloc(2 * BLOCK);
/** 2020-01-01 in octal: what a build writes. */
const MTIME = '13602760400';

/** One entry with any header that can be thought of. */
export function rawEntry(entry: RawEntry): Buffer {
  const content = Buffer.from(entry.content ?? '');
  const header = Buffer.alloc(BLOCK);
  const put = (value: string | Buffer, at: number, length: number): void => {
    Buffer.from(value).subarray(0, length).copy(header, at);
  };
  put(entry.path, 0, 100);
  put(entry.mode ?? '000644 ', 100, 8);
  put(entry.uid ?? '000000 ', 108, 8);
  put('000000 ', 116, 8);
  put(entry.size ?? `${content.length.toString(8).padStart(10, '0')} `, 124, 12);
  put(entry.mtime ?? MTIME, 136, 12);
  put(' '.repeat(8), 148, 8);
  put(entry.type ?? '0', 156, 1);
  put(entry.link ?? '', 157, 100);
  put(entry.magic ?? 'ustar\u000000', 257, 8);
  put(entry.device ?? '000000 ', 329, 8);
  put('000000 ', 337, 8);
  put(entry.prefix ?? '', 345, 155);
  let sum = 0;
  for (const byte of header) sum += byte;
  put(entry.checksum ?? `${sum.toString(8).padStart(6, '0')} \0`, 148, 8);
  const padding = entry.padding ?? Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
  return Buffer.concat([header, content, padding]);
}

/** A record of a PAX header: its length, its key, its value. */
export function paxRecord(key: string, value: string | Buffer, length?: number): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
  let total = body.length + 1;
  while (String(total).length + body.length !== total) total = String(total).length + body.length;
  return Buffer.concat([Buffer.from(String(length ?? total)), body]);
}

export function rawTar(...entries: readonly RawEntry[]): Buffer {
  return Buffer.concat([...entries.map(rawEntry), END]);
}
