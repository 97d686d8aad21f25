import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

/** An entry as it is written, without any check: tests need archives that no archiver would make. */
export interface RawEntry {
  readonly path: string;
  /** ustar type flag: 0 file, 1 hard link, 2 symbolic link, 3 character device, 4 block device, 5 folder, 6 fifo. */
  readonly type?: string;
  readonly content?: string | Buffer;
  readonly mode?: number;
  readonly linkpath?: string;
  /** Said in the header instead of the content's own. */
  readonly size?: number;
  readonly checksum?: number;
}

/** A tar archive of exactly these entries. */
export function rawTar(entries: readonly RawEntry[]): Buffer {
  return Buffer.concat([...entries.map(rawEntry), Buffer.alloc(1024)]);
}

export function rawTarGz(entries: readonly RawEntry[]): Buffer {
  return gzipSync(rawTar(entries));
}

export function sha256(bytes: Buffer): string {
  return `sha256-${createHash('sha256').update(bytes).digest('hex')}`;
}

/** A pax header that overrides fields of the entry behind it. */
export function pax(fields: Readonly<Record<string, string>>): RawEntry {
  const lines = Object.entries(fields).map(([key, value]) => {
    const tail = ` ${key}=${value}\n`;
    let length = Buffer.byteLength(tail) + 1;
    while (`${length}`.length + Buffer.byteLength(tail) > length) length += 1;
    return `${length}${tail}`;
  });
  return { path: 'pax', type: 'x', content: lines.join('') };
}

function rawEntry(entry: RawEntry): Buffer {
  const content = Buffer.from(entry.content ?? '');
  const block = Buffer.alloc(512);
  const octal = (value: number, at: number, width: number) =>
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
  const path = Buffer.from(entry.path);
  if (path.length > 100)
    return Buffer.concat([rawEntry(pax({ path: entry.path })), rawEntry({ ...entry, path: 'long' })]);
  path.copy(block, 0);
  octal(entry.mode ?? 0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(entry.size ?? content.length, 124, 12);
  octal(0, 136, 12);
  block.write('        ', 148, 'latin1');
  block.write(entry.type ?? '0', 156, 'latin1');
  block.write(entry.linkpath ?? '', 157);
  block.write('ustar\u000000', 257, 'latin1');
  octal(entry.checksum ?? block.reduce((total, byte) => total + byte, 0), 148, 8);
  return Buffer.concat([block, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}
