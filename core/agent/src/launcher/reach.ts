import { get } from 'node:https';
import { connect } from 'node:net';
import { once } from 'node:events';
import { InstallError } from './errors.ts';

const CONNECT_MS = 10_000;
/** Beyond it certificates end early or look as if they were of the future, and times in logs and jobs mislead. */
const MOST_SKEW_MS = 5 * 60_000;

/** `host:port`, IPv6 addresses in brackets. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

const ENDPOINT = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)):(\d{1,5})$/;

/** @returns undefined for what is no `host:port` */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, six, name, port] = ENDPOINT.exec(text) ?? [];
  const number = Number(port);
  return number >= 1 && number <= 65_535 ? { host: (six ?? name)!, port: number } : undefined;
}

/** @throws InstallError UNREACHABLE when no connection comes about */
export async function checkReachable(endpoint: string, what: string): Promise<void> {
  const { host, port } = parseEndpoint(endpoint)!;
  const socket = connect({ host, port });
  const timer = setTimeout(() => socket.destroy(Object.assign(new Error(), { code: 'ETIMEDOUT' })), CONNECT_MS);
  try {
    await once(socket, 'connect');
  } catch (error) {
    throw new InstallError(
      'UNREACHABLE',
      `This host cannot reach ${what} at ${endpoint} (${(error as NodeJS.ErrnoException).code}). Open the way from here to there: a firewall, a route or a name is missing.`,
    );
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

/**
 * Compares the clock with the server's, of whose certificates this host is to believe how long they are valid.
 * @throws InstallError CLOCK, and UNREACHABLE when the server does not answer under the pinned authority
 */
export async function checkClock(enrolment: string, authority: string, now: () => number = Date.now): Promise<void> {
  const asked = now();
  const said = await new Promise<string | undefined>((resolve, reject) => {
    const { host, port } = parseEndpoint(enrolment)!;
    // Of times: a certificate that is not valid yet is what we are looking for, and nothing secret is said.
    const options = { host, port, path: '/ca.pem', ca: authority, rejectUnauthorized: false, timeout: CONNECT_MS };
    const request = get(options, (answer) => {
      answer.resume();
      resolve(answer.headers.date);
    });
    request.on('timeout', () => request.destroy(new Error('it does not answer')));
    request.on('error', reject);
  }).catch((error: unknown) => {
    throw new InstallError(
      'UNREACHABLE',
      `The server at ${enrolment} does not answer over TLS: ${(error as Error).message}.`,
    );
  });
  if (said === undefined) return;
  const skewMs = asked - Date.parse(said);
  if (Math.abs(skewMs) <= MOST_SKEW_MS) return;
  const minutes = Math.round(Math.abs(skewMs) / 60_000);
  throw new InstallError(
    'CLOCK',
    `The clock of this host is ${minutes} minutes ${skewMs > 0 ? 'ahead of' : 'behind'} the server's. Set it, best by NTP on both, and run this again.`,
  );
}
