import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How an origin of a test behaves; each request takes the next of `cuts`. */
export interface OriginBehaviour {
  /** Bytes after which the connection is cut; once they are used up, answers are whole. */
  readonly cuts?: number[];
  readonly ranges?: boolean;
  readonly port?: number;
  readonly etag?: string;
  /** Instead of the file. */
  readonly answer?: (request: IncomingMessage, response: ServerResponse) => void;
}

/** A real HTTP server on loopback that serves one file with ranges, and cuts connections when told to. */
export async function startOrigin(content: Buffer, behaviour: OriginBehaviour = {}) {
  const requests: { range?: string; ifRange?: string }[] = [];
  const server = createServer((request, response) => {
    const { range, 'if-range': ifRange } = request.headers;
    requests.push({ ...(range !== undefined && { range }), ...(ifRange !== undefined && { ifRange: `${ifRange}` }) });
    if (behaviour.answer) return behaviour.answer(request, response);
    const etag = behaviour.etag ?? '"v1"';
    const fresh = behaviour.ranges === false || (ifRange !== undefined && ifRange !== etag);
    const start = fresh ? 0 : Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, {
      etag,
      'content-length': content.length - start,
      ...(start > 0 && { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` }),
    });
    const cut = behaviour.cuts?.shift();
    if (cut === undefined) return response.end(content.subarray(start));
    return response.write(content.subarray(start, start + cut), () => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(behaviour.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/product.tar.gz`,
    requests,
    /** May be called twice. */
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function sha512(content: Buffer): string {
  return createHash('sha512').update(content).digest('hex');
}
