import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { type ServerWritableStream, status } from '@grpc/grpc-js';
import type { DownloadChunk, DownloadRequest__Output } from '@stackyard/proto';

/** A store of files by digest: artifacts, packages. */
export interface BlobSource {
  open(
    digest: string,
  ):
    | { readonly path: string; readonly size: number }
    | undefined
    | Promise<{ readonly path: string; readonly size: number } | undefined>;
}

const CHUNK_BYTES = 64 * 1024;

/** Streams a file from an offset, no faster than the agent reads, until its end or until the agent has enough. */
export async function download(
  call: ServerWritableStream<DownloadRequest__Output, DownloadChunk>,
  blobs: BlobSource,
): Promise<void> {
  const { digest, offset } = call.request;
  const found = await blobs.open(digest);
  if (!found) {
    call.emit('error', {
      code: status.NOT_FOUND,
      details: `The server has no file with digest ${digest.slice(0, 200)}.`,
    });
    return;
  }
  if (offset > found.size) {
    const details = `Offset ${offset} lies behind the end of ${digest} (${found.size} bytes). Start again from 0.`;
    call.emit('error', { code: status.OUT_OF_RANGE, details });
    return;
  }
  const gone = new AbortController();
  for (const event of ['cancelled', 'error'] as const) call.once(event, () => gone.abort());
  const file = await open(found.path, 'r');
  try {
    let position = offset;
    while (!gone.signal.aborted && position < found.size) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, position);
      // Ended while the file was read: a write now would break the call before its status is told.
      if (gone.signal.aborted || bytesRead === 0) break;
      position += bytesRead;
      if (!call.write({ data: buffer.subarray(0, bytesRead) })) {
        await once(call, 'drain', { signal: gone.signal }).catch(() => undefined);
      }
    }
  } finally {
    await file.close();
  }
  if (!gone.signal.aborted) call.end();
}
