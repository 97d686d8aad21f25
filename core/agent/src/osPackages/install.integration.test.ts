import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { familyOf, parseAssignments } from '../facts/os.ts';
import type { PhaseContext } from '../phases/context.ts';
import { installOsPackages } from './install.ts';

/** Tiny, and with a service that Debian would start and enable. */
const PACKAGE = 'fcgiwrap';
const isRoot = process.getuid?.() === 0;
const isDebian = familyOf(parseAssignments(readFileSync('/etc/os-release', 'utf8'))) === 'debian';
const isThere = () =>
  spawnSync('dpkg-query', ['-W', '-f=${db:Status-Status}', PACKAGE]).stdout?.toString() === 'installed';
const wasThere = isDebian && isThere();
// `npm test` never changes the system: it is for machines that are there for tests.
const mayChange = process.env['CI'] === 'true' || process.env['STACKYARD_TEST_OS_PACKAGES'] === '1';
const canInstall = isRoot && isDebian && mayChange && !wasThere;

afterAll(() => {
  if (canInstall && isThere())
    execFileSync('apt-get', ['purge', '-y', '-q', '--autoremove', PACKAGE], { stdio: 'ignore' });
});

const said: string[] = [];
function context(os: Record<string, string[]>, more: Partial<PhaseContext> = {}): PhaseContext {
  return {
    inputs: { self: { root: '/', host: 'h1' } },
    service: { title: 'Wrap', packages: [], requires: { os } },
    order: { packages: {} },
    secrets: [],
    signal: new AbortController().signal,
    user: 'nobody',
    log: (line: string) => said.push(line),
    ...more,
  } as unknown as PhaseContext;
}

test.skipIf(!canInstall)(
  `a missing package is installed by root, its service neither started nor enabled, and a second time nothing is done (needs root on a Debian for tests without ${PACKAGE})`,
  { timeout: 180_000 },
  async () => {
    await installOsPackages(context({ debian: [PACKAGE] }));
    expect(isThere()).toBe(true);
    expect(said.join('\n')).toContain(`$ apt-get install -y -q --no-install-recommends`);
    expect(said.at(-1)).toBe(`Installed ${PACKAGE}.`);
    expect(spawnSync('pgrep', ['-x', PACKAGE]).status).not.toBe(0);
    expect(existsSync('/etc/systemd/system/multi-user.target.wants/fcgiwrap.service')).toBe(false);
    expect(existsSync('/usr/sbin/policy-rc.d.before-stackyard')).toBe(false);
    said.length = 0;
    await installOsPackages(context({ debian: [PACKAGE] }));
    expect(said).toEqual([`Found ${PACKAGE} of the operating system.`]);
  },
);

test.skipIf(!canInstall)(
  'a package that nobody knows is looked for once more with new lists, then it is said (needs root on a Debian for tests)',
  { timeout: 180_000 },
  async () => {
    said.length = 0;
    await expect(installOsPackages(context({ debian: ['no-such-package-of-stackyard'] }))).rejects.toThrow(
      'Unable to locate package',
    );
    expect(said.filter((line) => line.startsWith('$ apt-get update'))).toHaveLength(1);
  },
);

test.skipIf(!isDebian)('what is there is found, by anybody (needs Debian)', async () => {
  said.length = 0;
  await installOsPackages(context({ debian: ['dpkg', 'libc6'] }));
  expect(said).toEqual(['Found dpkg, libc6 of the operating system.']);
});

test.skipIf(!isDebian)('a host of a family that the stack does not name is told so (needs Debian)', async () => {
  await expect(installOsPackages(context({ redhat: ['redis'] }))).rejects.toThrow(
    'Wrap names its packages of the operating system for redhat',
  );
});

test.skipIf(!isDebian || !isRoot)(
  'without root rights the command that an administrator has to run is told (needs Debian, and root to give its rights away)',
  () => {
    const module = new URL('install.ts', import.meta.url).href;
    const script = `
      process.setgid(65534); process.setuid(65534);
      const { installOsPackages } = await import(${JSON.stringify(module)});
      await installOsPackages({
        inputs: { self: { root: '/tmp', host: 'h1' } },
        service: { title: 'Wrap', packages: [], requires: { os: { debian: ['dpkg', 'no-such-package'] } } },
        order: { packages: {} }, secrets: [], signal: new AbortController().signal, log: () => undefined,
      }).catch((error) => console.log(error.message));`;
    const told = execFileSync(
      process.execPath,
      ['--conditions=@stackyard/source', '--input-type=module', '-e', script],
      { encoding: 'utf8', cwd: '/' },
    );
    expect(told.trim()).toBe(
      'Wrap needs no-such-package on host h1, and the agent there has no root rights to install it. Have an administrator run there: sudo apt-get install --no-install-recommends no-such-package; then retry the task.',
    );
  },
);
