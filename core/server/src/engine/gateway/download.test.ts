import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { download } from './download.ts';

const size = 1_000_000;
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-download-'));
  await writeFile(join(dir, 'blob'), Buffer.alloc(size));
});
afterEach(() => rm(dir, { recursive: true }));

test('a call that is ended while a piece of the file is being read gets its status after all that was written', async () => {
  const taken = Promise.withResolvers<() => void>();
  const call = new Writable({
    objectMode: true,
    write: (_piece, _encoding, done) => {
      taken.resolve(done);
      // As a cut does it; the next piece is being read by then.
      process.nextTick(() => call.emit('error', new Error('The certificate was revoked.')));
    },
  });
  // As grpc-js does it: the status follows what waits for the reader.
  call.on('error', () => call.end());
  const finished = new Promise((resolve) => call.on('close', () => resolve(call.writableFinished)));
  const request = { request: { digest: 'sha256-x', offset: 0 } };
  await download(Object.assign(call, request) as never, { open: () => ({ path: join(dir, 'blob'), size }) });
  (await taken.promise)();
  expect(await finished).toBe(true);
});
