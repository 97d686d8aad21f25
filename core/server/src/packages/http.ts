import http from 'node:http';
import https from 'node:https';

export interface HttpLimits {
  /** How long a connection may take: beyond it there is "no way out". */
  readonly connectTimeoutMs: number;
  /** How long an answer may stand still. */
  readonly idleTimeoutMs: number;
  readonly redirects: number;
}

/** No connection came about: DNS, refusal, time-out or the proxy. Nothing was asked of the origin. */
export class NoWayOut extends Error {}

/** The origin sends us round in circles, or to where we do not go. */
export class BadRedirect extends Error {}

const noWay = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ETIMEDOUT',
  'ERR_PROXY_TUNNEL',
]);

/**
 * GET with redirects, over the proxy of the environment if there is one. The caller consumes or destroys the answer.
 *
 * @throws NoWayOut when no connection comes about; the error of the connection when it breaks later.
 */
export async function get(
  start: URL,
  headers: http.OutgoingHttpHeaders | ((at: URL) => http.OutgoingHttpHeaders),
  {
    signal,
    limits,
    onRedirect,
  }: {
    signal: AbortSignal;
    limits: HttpLimits;
    /** Throws where a redirect must not be followed. */
    onRedirect?: (to: URL) => void;
  },
): Promise<http.IncomingMessage> {
  let url = start;
  for (let hops = 0; ; hops += 1) {
    const answer = await ask(url, typeof headers === 'function' ? headers(url) : headers, signal, limits);
    const { statusCode = 0, headers: answered } = answer;
    if (statusCode === 407) {
      answer.destroy();
      throw new NoWayOut('the proxy asks for a login');
    }
    if (![301, 302, 303, 307, 308].includes(statusCode) || answered.location === undefined) return answer;
    answer.destroy();
    if (hops >= limits.redirects) throw new BadRedirect(`redirects more than ${limits.redirects} times`);
    url = new URL(answered.location, url);
    if (!/^https?:$/.test(url.protocol)) throw new BadRedirect(`redirects to ${url.protocol}, which is not followed`);
    onRedirect?.(url);
  }
}

/** An address as sentences show it, without a login that may stand in it. */
export function shown(url: string | URL): string {
  const copy = new URL(url);
  copy.username = '';
  copy.password = '';
  return copy.href;
}

async function ask(
  url: URL,
  headers: http.OutgoingHttpHeaders,
  signal: AbortSignal,
  limits: HttpLimits,
): Promise<http.IncomingMessage> {
  const { request, Agent } = url.protocol === 'https:' ? https : http;
  const agent = new Agent({ keepAlive: false, proxyEnv: process.env });
  const asked = request(url, { headers, agent, signal });
  const connected = url.protocol === 'https:' ? 'secureConnect' : 'connect';
  let connecting: NodeJS.Timeout | undefined;
  let aborted = (): void => undefined;
  let answer: http.IncomingMessage | undefined;
  asked.setTimeout(limits.idleTimeoutMs, () => (answer ?? asked).destroy(new Error('no data in time')));
  try {
    return await new Promise<http.IncomingMessage>((resolve, reject) => {
      // A request that has no socket yet, as behind a silent proxy, does not tell of its own end.
      const give = (error: Error) => {
        reject(error);
        asked.destroy(error);
      };
      const late = Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' });
      connecting = setTimeout(() => give(late), limits.connectTimeoutMs);
      aborted = () => give(signal.reason as Error);
      signal.addEventListener('abort', aborted);
      asked.once('socket', (socket) => {
        if (socket.connecting) socket.once(connected, () => clearTimeout(connecting));
        else clearTimeout(connecting);
      });
      asked.once('response', (response) => resolve((answer = response)));
      // It may also fail after the answer began; then the reader of the answer hears of it.
      asked.on('error', reject);
      asked.end();
    });
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw noWay.has(code) ? new NoWayOut(code === 'ETIMEDOUT' ? message : code, { cause: error }) : error;
  } finally {
    clearTimeout(connecting);
    signal.removeEventListener('abort', aborted);
  }
}
