import { lookup as resolve } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Egress, OutgoingRequest } from '@stackyard/contract';
import { isClosed } from './addresses.ts';
import { EgressFailedError, EgressRefusedError } from './errors.ts';

const TIMEOUT_MS = 10_000;
const MAX_SENT = 1024 * 1024;
const MAX_ANSWER = 64 * 1024;

/** Speaks to the outside for plugins. `allow` lists what is let through whatever its address is: `host:port`. */
export class GuardedEgress implements Egress {
  readonly #allowed: ReadonlySet<string>;
  readonly #timeoutMs: number;

  constructor({ allow = [], timeoutMs = TIMEOUT_MS }: { allow?: readonly string[]; timeoutMs?: number } = {}) {
    this.#allowed = new Set(allow.map((place) => place.toLowerCase()));
    this.#timeoutMs = timeoutMs;
  }

  async post({ url, headers = {}, body, signal }: OutgoingRequest): Promise<{ status: number }> {
    const target = this.#check(url);
    const payload = JSON.stringify(body);
    if (Buffer.byteLength(payload) > MAX_SENT)
      throw new EgressRefusedError({ target: target.shown, why: `it is more than ${MAX_SENT} bytes.` });
    const limit = AbortSignal.timeout(this.#timeoutMs);
    const until = signal ? AbortSignal.any([signal, limit]) : limit;
    const own = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) };
    const client = target.url.protocol === 'https:' ? https : http;
    return new Promise((done, failed) => {
      const fail = (error: Error) =>
        failed(
          error instanceof EgressRefusedError
            ? error
            : new EgressFailedError({ target: target.shown, reason: reasonOf(error, limit) }, { cause: error }),
        );
      const request = client.request(
        target.url,
        {
          method: 'POST',
          headers: { ...headers, ...own },
          // A connection of its own: none that was checked for somebody else, or earlier, is used again.
          agent: false,
          lookup: target.lookup,
          signal: until,
          maxHeaderSize: 16_384,
        },
        (answer) => {
          let size = 0;
          answer.on('data', (part: Buffer) => {
            size += part.length;
            if (size > MAX_ANSWER) answer.destroy();
          });
          answer.on('error', () => undefined);
          answer.once('close', () => done({ status: answer.statusCode ?? 0 }));
        },
      );
      request.once('error', fail);
      request.end(payload);
    });
  }

  /** @throws EgressRefusedError */
  #check(text: string): { url: URL; shown: string; lookup: LookupFunction } {
    const url = URL.parse(text);
    // An address may hold a secret in its path or query, so sentences show only where it leads.
    const shown = url ? `${url.protocol}//${url.host}` : 'this address';
    const refuse = (why: string): never => {
      throw new EgressRefusedError({ target: shown, why });
    };
    if (!url) return refuse('it is no URL.');
    if (!/^https?:$/.test(url.protocol)) return refuse('only http and https are spoken.');
    if (url.username !== '' || url.password !== '') return refuse('a login may not stand in the URL; use a header.');
    const port = url.port || (url.protocol === 'https:' ? '443' : '80');
    const allowed = this.#allowed.has(`${url.hostname}:${port}`);
    const refused = `it leads to this machine or its link. Allow it with egress.allow: ${url.hostname}:${port}.`;
    const literal = url.hostname.replace(/^\[|\]$/g, '');
    // No name is looked up for an address, so it is looked at here.
    if (isIP(literal) !== 0 && !allowed && isClosed(literal)) return refuse(refused);
    const lookup: LookupFunction = (host, options, callback) =>
      resolve(host, { ...options, all: true }, (error, addresses) => {
        if (error) return callback(error, '');
        // One that is closed spoils the others: such a name is made to get in.
        if (!allowed && addresses.some(({ address }) => isClosed(address)))
          return callback(new EgressRefusedError({ target: shown, why: refused }), '');
        if (options.all) return callback(null, addresses);
        const [first] = addresses;
        return first ? callback(null, first.address, first.family) : callback(new Error('it has no address'), '');
      });
    return { url, shown, lookup };
  }
}

function reasonOf(error: Error, limit: AbortSignal): string {
  if (limit.aborted) return 'it took too long';
  return (error as NodeJS.ErrnoException).code ?? error.message;
}
