import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import type { Admitted, EntryGate, UnpackLimits } from './entryGate.ts';

/** What there is to do next with an archive, in its own order. A link comes without content. */
export type Step = Admitted | { readonly kind: 'data'; readonly chunk: Buffer } | { readonly kind: 'end' };

/** The archive broke a rule that is known only while it streams. */
export class ArchiveRefusal extends Error {}

/** Unpacked bytes from which on the ratio says something: small archives consist of padding. */
const RATIO_FROM = 2 ** 20;

const GZIP = 0x1f8b;

/** sha256 (`sha256-…`) of an open file, from its first byte. */
export async function digestOf(handle: FileHandle, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const source = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: 262_144 });
  for await (const chunk of source) {
    signal?.throwIfAborted();
    hash.update(chunk as Buffer);
  }
  return `sha256-${hash.digest('hex')}`;
}

/**
 * Reads a tar.gz and yields what the gate admits, chunk by chunk: the parser runs synchronously over at most 64 KiB of
 * unpacked bytes, then the caller writes, so memory stays small whatever the archive holds.
 *
 * @throws ArchiveRefusal when a limit is exceeded or the archive is malformed.
 */
export async function* readArchive(
  handle: FileHandle,
  { gate, limits, signal }: { gate: EntryGate; limits: UnpackLimits; signal?: AbortSignal | undefined },
): AsyncGenerator<Step> {
  let steps: Step[] = [];
  let failure: Error | undefined;
  const parser = new Parser({ strict: true, brotli: false, zstd: false });
  parser.on('error', (error: Error) => (failure ??= error));
  parser.on('ignoredEntry', (entry: ReadEntry) => gate.refuse(entry.path, `is a ${entry.type} that is not understood`));
  parser.on('entry', (entry: ReadEntry) => {
    const admitted = gate.admit(entry);
    if (admitted) steps.push(admitted);
    if (admitted?.kind === 'file') {
      entry.on('data', (chunk: Buffer) => steps.push({ kind: 'data', chunk }));
      entry.on('end', () => steps.push({ kind: 'end' }));
    } else {
      entry.resume();
    }
  });

  let compressed = 0;
  let unpacked = 0;
  const source = handle.createReadStream({ start: 0, autoClose: false });
  source.on('data', (chunk) => (compressed += chunk.length));
  const gunzip = createGunzip({ chunkSize: 65_536 });
  source.on('error', (error) => gunzip.destroy(error));
  source.pipe(gunzip);
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      signal?.throwIfAborted();
      // The parser would unpack a second time, past the ratio.
      if (unpacked === 0 && chunk.readUInt16BE() === GZIP) throw new ArchiveRefusal('it is compressed twice');
      unpacked += chunk.length;
      const excess = excessOf({ compressed, unpacked, gate, limits });
      if (excess !== undefined) throw new ArchiveRefusal(excess);
      parser.write(chunk);
      if (failure) throw failure;
      yield* steps;
      steps = [];
    }
    parser.end();
    if (failure) throw failure;
    yield* steps;
    if (gate.tooMany) throw new ArchiveRefusal(`it has more than ${limits.entries} entries`);
  } catch (error) {
    if (signal?.aborted || error instanceof ArchiveRefusal || (error as NodeJS.ErrnoException).syscall !== undefined)
      throw error;
    throw new ArchiveRefusal(`it is no proper tar.gz archive (${(error as Error).message})`, { cause: error });
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}

function excessOf(seen: {
  compressed: number;
  unpacked: number;
  gate: EntryGate;
  limits: UnpackLimits;
}): string | undefined {
  const { compressed, unpacked, gate, limits } = seen;
  if (gate.tooMany) return `it has more than ${limits.entries} entries`;
  if (unpacked > limits.unpackedBytes) return `it unpacks to more than ${limits.unpackedBytes} bytes`;
  if (unpacked > RATIO_FROM && unpacked / compressed > limits.ratio)
    return `it unpacks to more than ${limits.ratio} times its size`;
  return undefined;
}
