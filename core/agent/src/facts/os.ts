import { readFile } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import type { OsFamily } from '@stackyard/sdk/manifest';

export interface OsFact {
  /** As people call it, such as "Debian GNU/Linux 12 (bookworm)". */
  readonly name: string;
  /** ID of /etc/os-release, such as "debian"; the platform where there is no such file. */
  readonly id: string;
  readonly version: string;
  /** Whose packages it takes; undefined where it is of no family that is known. */
  readonly family: OsFamily | undefined;
  /** Node's name: x64, arm64. */
  readonly arch: string;
}

export async function os(): Promise<OsFact> {
  const release = parseAssignments(await readFile('/etc/os-release', 'utf8').catch(() => ''));
  const id = release['ID'] ?? platform();
  const family = familyOf(release);
  return { name: release['PRETTY_NAME'] ?? id, id, version: release['VERSION_ID'] ?? '', family, arch: arch() };
}

const FAMILIES: Readonly<Record<string, OsFamily>> = {
  debian: 'debian',
  ubuntu: 'debian',
  rhel: 'redhat',
  fedora: 'redhat',
  centos: 'redhat',
  suse: 'suse',
  sles: 'suse',
  opensuse: 'suse',
};

/** By ID and then ID_LIKE of os-release: a distribution names those it is derived from, the closest first. */
export function familyOf(release: Readonly<Record<string, string>>): OsFamily | undefined {
  const ids = `${release['ID'] ?? ''} ${release['ID_LIKE'] ?? ''}`.toLowerCase().split(/\s+/);
  return ids
    .map((id) => (Object.hasOwn(FAMILIES, id) ? FAMILIES[id] : undefined))
    .find((family) => family !== undefined);
}

/** Reads lines of the form NAME=value or NAME="value", as in os-release and the `release` file of a JDK. */
export function parseAssignments(text: string): Record<string, string> {
  const pairs = text.split('\n').flatMap((line) => {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=(?:"(.*)"|'(.*)'|(.*))$/.exec(line.trim());
    return match ? [[match[1]!, match[2] ?? match[3] ?? match[4] ?? ''] as const] : [];
  });
  return Object.fromEntries(pairs);
}
