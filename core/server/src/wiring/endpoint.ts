import { hostname } from 'node:os';
import type { Address, ServerOptions } from './options.ts';

const ANY = new Set(['0.0.0.0', '::', '[::]']);

/** `host:port` as hosts dial it. */
export function endpoint({ identity }: Pick<ServerOptions, 'identity'>, { host, port }: Address): string {
  const name = identity?.advertisedHost ?? (ANY.has(host) ? hostname() : host);
  return name.includes(':') && !name.startsWith('[') ? `[${name}]:${port}` : `${name}:${port}`;
}
