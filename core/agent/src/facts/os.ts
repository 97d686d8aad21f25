import { readFile } from 'node:fs/promises';
import { arch, platform } from 'node:os';

export interface OsFact {
  /** As people call it, such as "Debian GNU/Linux 12 (bookworm)". */
  readonly name: string;
  /** ID of /etc/os-release, such as "debian"; the platform where there is no such file. */
  readonly id: string;
  readonly version: string;
  /** Node's name: x64, arm64. */
  readonly arch: string;
}

export async function os(): Promise<OsFact> {
  const release = parseAssignments(await readFile('/etc/os-release', 'utf8').catch(() => ''));
  const id = release['ID'] ?? platform();
  return { name: release['PRETTY_NAME'] ?? id, id, version: release['VERSION_ID'] ?? '', arch: arch() };
}

/** Reads lines of the form NAME=value or NAME="value", as in os-release and the `release` file of a JDK. */
export function parseAssignments(text: string): Record<string, string> {
  const pairs = text.split('\n').flatMap((line) => {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=(?:"(.*)"|'(.*)'|(.*))$/.exec(line.trim());
    return match ? [[match[1]!, match[2] ?? match[3] ?? match[4] ?? ''] as const] : [];
  });
  return Object.fromEntries(pairs);
}
