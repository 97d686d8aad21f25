import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryDirectory } from '../processes/testing.ts';
import { collectFacts } from './index.ts';
import { cgroupVersion } from './isolation.ts';
import { java } from './java.ts';
import { parseMeminfo } from './memory.ts';
import { familyOf, parseAssignments } from './os.ts';

let root: ReturnType<typeof temporaryDirectory>;
beforeEach(() => (root = temporaryDirectory('facts')));
afterEach(() => root.remove());

test('this host is described, also when the root does not exist yet', async () => {
  const failures: string[] = [];
  const facts = await collectFacts({ root: join(root.path, 'not', 'there') }, (name) => failures.push(name));
  expect(failures).toEqual([]);
  expect(facts.cpu!.count).toBeGreaterThan(0);
  expect(facts.memory!.total).toBeGreaterThan(2 ** 26);
  expect(facts.disk!.total).toBeGreaterThan(facts.disk!.free);
  expect(facts.os!.arch).toBe(process.arch);
  expect(facts.kernel!.bootId).toMatch(/^[0-9a-f-]{36}$/);
  expect(facts.tools!.flock).toMatch(/flock$/);
  expect(facts.network!.hostname).not.toBe('');
  expect(Array.isArray(facts.java)).toBe(true);
});

test('every JDK is found once, the preferred ones first, without starting java', async () => {
  const jdk = (name: string, release: string): string => {
    const home = join(root.path, 'jvm', name);
    mkdirSync(join(home, 'bin'), { recursive: true });
    writeFileSync(join(home, 'release'), release);
    writeFileSync(join(home, 'bin', 'java'), '#!/bin/false', { mode: 0o755 });
    return home;
  };
  const eight = jdk('java-8', 'JAVA_VERSION="1.8.0_412"\n');
  const seventeen = jdk('java-17', 'IMPLEMENTOR="Eclipse Adoptium"\nJAVA_VERSION="17.0.15"\n');
  const twentyOne = jdk('java-21', 'IMPLEMENTOR="Debian"\nJAVA_VERSION="21.0.7"\n');
  jdk('broken', 'nothing here');
  symlinkSync(seventeen, join(root.path, 'jvm', 'default'));
  mkdirSync(join(root.path, 'bin'));
  symlinkSync(join(eight, 'bin', 'java'), join(root.path, 'bin', 'java'));
  const roots = [join(root.path, 'jvm'), join(root.path, 'absent')];
  expect(await java({ roots })).toEqual([
    { home: twentyOne, version: '21.0.7', vendor: 'Debian' },
    { home: seventeen, version: '17.0.15', vendor: 'Eclipse Adoptium' },
    { home: eight, version: '1.8.0_412', vendor: '' },
  ]);
  const preferred = await java({ roots, javaHome: join(root.path, 'jvm', 'default'), path: join(root.path, 'bin') });
  expect(preferred.map(({ home }) => home)).toEqual([seventeen, eight, twentyOne]);
});

test('assignments are read with and without quotes, other lines passed over', () => {
  expect(parseAssignments('ID=debian\n# note\nPRETTY_NAME="Debian GNU/Linux 12"\nX=\n oops\nY=\'a b\'')).toEqual({
    ID: 'debian',
    PRETTY_NAME: 'Debian GNU/Linux 12',
    X: '',
    Y: 'a b',
  });
});

test('memory is read in bytes', () => {
  expect(parseMeminfo('MemTotal:  2048 kB\nMemFree: 1 kB\nMemAvailable:  1024 kB\n')).toEqual({
    total: 2_097_152,
    available: 1_048_576,
    swap: 0,
  });
});

test('the cgroup hierarchy that limits processes is recognised', () => {
  const v1 = 'cgroup /sys/fs/cgroup/pids cgroup rw 0 0\n';
  const v2 = 'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n';
  expect([v1, v2, v1 + v2, 'tmpfs / tmpfs rw 0 0\n'].map(cgroupVersion)).toEqual(['v1', 'v2', 'v1', 'none']);
});

test.each([
  ['ID=debian', 'debian'],
  ['ID=ubuntu\nID_LIKE=debian', 'debian'],
  ['ID="rocky"\nID_LIKE="rhel centos fedora"', 'redhat'],
  ['ID="opensuse-leap"\nID_LIKE="suse opensuse"', 'suse'],
  ['ID=openEuler', undefined],
  ['', undefined],
])('the family of packages follows from os-release: %j', (release, family) => {
  expect(familyOf(parseAssignments(release))).toBe(family);
});
