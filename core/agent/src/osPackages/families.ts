import type { OsFamily } from '@stackyard/sdk/manifest';

/** How packages of an operating system are looked for and installed. */
export interface PackageTool {
  /** Ends with 0 where the package is installed; for apt what it prints tells. */
  readonly isInstalled: (name: string) => readonly [program: string, ...args: string[]];
  /** What `isInstalled` prints of an installed package; any text where its end is enough. */
  readonly installed: RegExp;
  readonly install: (names: readonly string[]) => readonly [program: string, ...args: string[]];
  /** Reads the lists of what there is anew; undefined for tools that do so by themselves. */
  readonly refresh?: readonly [program: string, ...args: string[]];
  readonly env: Readonly<Record<string, string>>;
  /** What the tool prints when its lists are too old to know a package, or where it lies. */
  readonly outdated: RegExp;
  /** Only that an earlier run was cut off, and how to put that right. */
  readonly repair?: { readonly when: RegExp; readonly how: readonly [program: string, ...args: string[]] };
}

const LOCK_SECONDS = 600;

/** Each waits for the lock of its own database, so that agents, people and timers of one machine take turns. */
export const TOOLS: Readonly<Record<OsFamily, PackageTool>> = {
  debian: {
    isInstalled: (name) => ['dpkg-query', '-W', '-f=${db:Status-Status}\\n', '--', name],
    installed: /^installed$/m,
    install: (names) => [
      'apt-get',
      'install',
      '-y',
      '-q',
      '--no-install-recommends',
      '-o',
      `DPkg::Lock::Timeout=${LOCK_SECONDS}`,
      '-o',
      'Dpkg::Use-Pty=0',
      '-o',
      'Dpkg::Options::=--force-confold',
      '--',
      ...names,
    ],
    refresh: ['apt-get', 'update', '-q', '-o', `DPkg::Lock::Timeout=${LOCK_SECONDS}`],
    env: { DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'l', LC_ALL: 'C.UTF-8' },
    outdated: /Unable to locate package|has no installation candidate|Unable to fetch some archives|404 +Not Found/,
    repair: { when: /dpkg was interrupted/, how: ['dpkg', '--configure', '-a', '--force-confold'] },
  },
  redhat: {
    isInstalled: (name) => ['rpm', '-q', '--whatprovides', '--', name],
    installed: /(?:)/,
    install: (names) => ['dnf', 'install', '-y', '--setopt=install_weak_deps=False', '--', ...names],
    env: { LC_ALL: 'C.UTF-8' },
    outdated: /(?!)/,
  },
  suse: {
    isInstalled: (name) => ['rpm', '-q', '--whatprovides', '--', name],
    installed: /(?:)/,
    install: (names) => ['zypper', '--non-interactive', 'install', '--no-recommends', '--', ...names],
    env: { LC_ALL: 'C.UTF-8', ZYPP_LOCK_TIMEOUT: String(LOCK_SECONDS) },
    outdated: /(?!)/,
  },
};

/** `dnf` came after `yum`, which takes the same words. */
export function withProgram(
  [program, ...args]: readonly [string, ...string[]],
  has: (name: string) => boolean,
): readonly [string, ...string[]] {
  return program === 'dnf' && !has('dnf') && has('yum') ? ['yum', ...args] : [program, ...args];
}

/** What an administrator has to run where the agent may not. */
export function commandForPeople(family: OsFamily, names: readonly string[]): string {
  const packages = names.join(' ');
  return {
    debian: `sudo apt-get install --no-install-recommends ${packages}`,
    redhat: `sudo dnf install ${packages}`,
    suse: `sudo zypper install --no-recommends ${packages}`,
  }[family];
}
