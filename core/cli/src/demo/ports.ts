import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename } from 'node:path';

/** Whether something could listen there now: undefined, or the code of why not. */
export async function listenProblem(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(undefined)));
  });
}

/** A port that is free now. */
export async function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen({ host, port: 0 }, () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** A program that listens. */
export interface Listener {
  readonly pid: number;
  /** As people know it: "java", or "node server.mjs". */
  readonly name: string;
}

/** What listens on a port of this machine, at that address or at all; undefined where the system does not tell. */
export function listenerOn(port: number, address: string): Listener | undefined {
  const inodes = new Set(['tcp', 'tcp6'].flatMap((table) => listeningInodes(table, port, address)));
  if (inodes.size === 0) return undefined;
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const pid = pids.find((each) => openSockets(each).some((inode) => inodes.has(inode)));
  return pid === undefined ? undefined : { pid: Number(pid), name: nameOf(pid) };
}

const LISTEN = '0A';
const ANY = /^0+$/;

function listeningInodes(table: string, port: number, address: string): string[] {
  const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');
  // The kernel writes an address of IPv4 from its last byte to its first; IPv6 has it at its end.
  const local = address.split('.').reverse().map((byte) => hex(Number(byte), 2)).join(''); // prettier-ignore
  const listens = (place: string): boolean => {
    const [ip = '', at] = place.split(':');
    return at === hex(port, 4) && (ANY.test(ip) || ip.endsWith(local));
  };
  return read(`/proc/net/${table}`)
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, place = '', , state]) => state === LISTEN && listens(place))
    .flatMap((fields) => fields[9] ?? []);
}

function openSockets(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap(
      (fd) => /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`))?.[1] ?? [],
    );
  } catch {
    // Processes of others do not show their files.
    return [];
  }
}

/** The program as it was started, because Node calls its main thread otherwise; with its script where it has one. */
function nameOf(pid: string): string {
  const [program = '', ...args] = read(`/proc/${pid}/cmdline`).split('\0');
  const script = args.find((arg) => /\.[cm]?[jt]s$/.test(arg));
  const name = [program, script].flatMap((path) => (path ? basename(path) : [])).join(' ');
  return name || read(`/proc/${pid}/comm`).trim() || 'an unknown program';
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function link(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
