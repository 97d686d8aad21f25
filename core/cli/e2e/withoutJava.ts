import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { HostNetwork } from './world.ts';

/** Where JDKs of systems lie; all of it is an empty folder for a host that is to have none. */
const HIDDEN = ['/usr/lib/jvm', '/usr/java', '/opt/java', '/opt/jdk'].filter((path) => existsSync(path));
const hiding = `${HIDDEN.map((path) => `mount -t tmpfs -o size=4k none ${path}`).join(' && ')} && exec "$@"`;
/** Goes before a command that is to see no Java. */
export const hidingJava = ['unshare', '--mount', 'env', '-u', 'JAVA_HOME', 'sh', '-ec', hiding, 'sh'] as const;

/**
 * Hosts of this machine, of which some see no Java: their agents, and all that those start, live in a mount namespace
 * in which the folders of the system's JDKs are empty. `addressOf` is as loopback gives it.
 */
export function someWithoutJava(bare: readonly string[], addressOf: (host: string) => string): HostNetwork {
  return {
    server: '127.0.0.1',
    addressOf,
    commandOn: (host) => (bare.includes(host) ? hidingJava : []),
  };
}

/** Why no host can be made that has no Java here; undefined where it can. */
export function cannotHideBecause(): string | undefined {
  const { status } = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' });
  return status === 0 ? undefined : 'mount namespaces need root on Linux';
}
