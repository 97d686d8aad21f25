import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { credentials } from '@grpc/grpc-js';
import { Agents } from '@stackyard/proto';
import { startChild } from '../world/children.ts';

const CHUNK_BYTES = 64 * 1024;
const main = fileURLToPath(new URL('./rawLogMain.ts', import.meta.url));

/**
 * MB per second of a bare gRPC stream over TLS: chunks of 64 KiB from this process, as fast as the stream takes them,
 * appended to a file by another process, until all is durable. A figure per round.
 */
export async function rawLog(
  dir: string,
  options: {
    readonly rounds: number;
    readonly bytes: number;
    /** Of an agent: its key and certificate encrypt this stream as well. */
    readonly identityFile: string;
  },
): Promise<number[]> {
  const { rounds, bytes, identityFile } = options;
  const args = ['--conditions=@stackyard/source', main, join(dir, 'raw.log'), identityFile];
  const server = await startChild<{ endpoint: string }>({ args, cwd: dir, logFile: join(dir, 'rawLog.log') });
  // Who answers is not the question here, only what the encryption costs.
  const encrypted = credentials.createSsl(null, null, null, { rejectUnauthorized: false });
  const client = new Agents(server.ready.endpoint, encrypted, { 'grpc.ssl_target_name_override': 'bench' });
  const call = client.Logs();
  call.on('error', () => undefined); // the end of the other side must not end this one
  try {
    const data = Buffer.alloc(CHUNK_BYTES, 'x');
    const attempt = { taskId: '01991f3e-0000-7000-8000-000000000000', number: 1 };
    const rates: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const begin = performance.now();
      const durable = once(call, 'data');
      // A stream that breaks is told by what is awaited first; the other must not end the process before it is cleaned up.
      durable.catch(() => undefined);
      for (let offset = 0; offset < bytes; offset += CHUNK_BYTES) {
        const last = offset + CHUNK_BYTES >= bytes;
        if (!call.write({ chunks: [{ attempt, offset, data, last }] })) await once(call, 'drain');
      }
      await durable;
      rates.push(bytes / 1e6 / ((performance.now() - begin) / 1000));
    }
    return rates;
  } finally {
    call.end();
    client.close();
    await server.end();
  }
}
