import { connect } from 'node:net';
import type { ServerWorld } from './world.ts';

/** A GET whose path is sent exactly as it is; fetch would tidy it. */
export function rawRequest(
  { server }: Pick<ServerWorld, 'server'>,
  path: string,
  token: string = server.token,
): Promise<string> {
  const { port, hostname } = new URL(server.url);
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), hostname, () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`),
    );
    socket.on('data', (data) => (text += data.toString()));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}
