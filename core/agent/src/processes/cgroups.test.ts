import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Group, mechanismOf, processesIn, removeGroup, sweepGroups } from './cgroups.ts';
import { hierarchies, type Hierarchy } from './hierarchies.ts';
import { identityOf, isAlive } from './identity.ts';
import { type Cookie, endProcesses, findByCookie } from './kill.ts';
import { until } from './testing.ts';

const found = hierarchies();
const limitOf = (top: string): string => join(top, 'pids.max');

let started: { child: ChildProcess; cookie: Cookie; group: Group }[] = [];
afterEach(async () => {
  for (const { cookie, group } of started) {
    await endProcesses({ cookie, group, graceMs: 0 });
    removeGroup(group);
  }
  started = [];
});

/** Runs a script in a new cgroup below each of these tops, under a limit where there can be one. */
function start(tops: readonly string[], script: string, parent?: string) {
  const cookie: Cookie = { name: 'STACKYARD_ATTEMPT', value: randomUUID() };
  const group = tops.map((top) => join(parent ?? top, `stackyard-test-${cookie.value}`));
  for (const dir of group) mkdirSync(dir);
  const join_ =
    'for d in $groups; do [ ! -e "$d/pids.max" ] || echo 64 >"$d/pids.max"; echo $$ >"$d/cgroup.procs"; done';
  const env = { PATH: process.env['PATH'], groups: group.join(' '), [cookie.name]: cookie.value };
  const child = spawn('/bin/sh', ['-c', `${join_}; ${script}`], { detached: true, stdio: 'ignore', env });
  started.push({ child, cookie, group });
  return { cookie, group, leader: identityOf(child.pid!)! };
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

const escapee = 'setsid env -i /bin/sh -c "trap \\"\\" TERM; while :; do /bin/sleep 1; done" & sleep 300';

test.skipIf(found.length === 0).each(found)(
  'with $mechanism an escapee without environment in a session of its own is ended too',
  async ({ mechanism, top }) => {
    const { cookie, group, leader } = start([top], escapee);
    await until('the escapee is deaf', () => processesIn(group).some((pid) => commandOf(pid) === '/bin/sleep\x001\0'));
    expect((await findByCookie(cookie)).length).toBeLessThan(processesIn(group).length);
    const all = processesIn(group).flatMap((pid) => identityOf(pid) ?? []);
    expect(await endProcesses({ cookie, group, leader, graceMs: 60 })).toEqual({ mechanism, forced: true });
    expect(all.filter((each) => isAlive(each))).toEqual([]);
    expect(group.filter((dir) => existsSync(dir))).toEqual([]);
  },
);

test.skipIf(found.length === 0).each(found)(
  'with $mechanism a loop that forks without environment is ended as a whole',
  async ({ mechanism, top }) => {
    const { cookie, group } = start(
      [top],
      'trap "" TERM; while :; do setsid env -i /bin/sleep 300 & sleep 0.002; done',
    );
    await until('it has grown', () => processesIn(group).length > 20);
    expect(await endProcesses({ cookie, group, graceMs: 30 })).toEqual({ mechanism, forced: true });
    expect(processesIn(group)).toEqual([]);
    expect(group.filter((dir) => existsSync(dir))).toEqual([]);
  },
);

test.skipIf(found.length === 0)('what stopped itself is woken by the polite signal and may end by itself', async () => {
  const { cookie, group, leader } = start([found[0]!.top], 'trap "exit 0" TERM; kill -STOP $$; sleep 300');
  await until('it has stopped', () => /^State:\tT/m.test(readFileSync(`/proc/${leader.pid}/status`, 'utf8')));
  expect(await endProcesses({ cookie, group, leader, graceMs: 5_000 })).toMatchObject({ forced: false });
});

const limiting = found.filter(({ mechanism }) => mechanism === 'cgroup-v1-pids');
test.skipIf(limiting.length === 0)('a fork bomb meets the limit and is ended', async () => {
  const tops = [...new Set([found[0]!.top, limiting[0]!.top])];
  const { cookie, group } = start(tops, 'bomb() { bomb | bomb & }; bomb; sleep 300');
  const [, counted = group[0]!] = group;
  await until('it is held at the limit', () => /max [1-9]/.test(readFileSync(join(counted, 'pids.events'), 'utf8')));
  expect(Number(readFileSync(limitOf(counted), 'utf8'))).toBe(64);
  expect(processesIn(group).length).toBeLessThanOrEqual(64);
  await endProcesses({ cookie, group, graceMs: 0 });
  expect(processesIn(group)).toEqual([]);
});

test.skipIf(found.length === 0)('a sweep removes what is empty, of whomever, and leaves what lives', async () => {
  const [{ top }] = found as [Hierarchy];
  const parent = join(top, 'stackyard', `attempts-test-${process.pid}`);
  const gone = join(parent, 'gone');
  mkdirSync(join(gone, 'inner'), { recursive: true });
  const { cookie, group } = start([top], 'sleep 300', parent);
  await until('it lives there', () => processesIn(group).length > 0);
  sweepGroups();
  expect([existsSync(gone), processesIn(group).length > 0]).toEqual([false, true]);
  await endProcesses({ cookie, group, graceMs: 0 });
  expect(existsSync(parent)).toBe(false);
});

test('without a cgroup the scan for the cookie is what is left, and says so', async () => {
  expect(mechanismOf([])).toBe('cookie-scan');
  expect(mechanismOf(['/sys/fs/cgroup/no-such-group'])).toBe('cookie-scan');
  const { cookie, leader } = start([], 'sleep 300 & sleep 301');
  expect(await endProcesses({ cookie, leader, graceMs: 60 })).toMatchObject({ mechanism: 'cookie-scan' });
  expect(await findByCookie(cookie)).toEqual([]);
});

test('hierarchies that do not exist or may not be written are not used', () => {
  const mounts = [
    'cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu 0 0',
    'cgroup /no/such/freezer cgroup rw,relatime,freezer 0 0',
    'cgroup2 /no/such/unified cgroup2 rw,relatime 0 0',
    'tmpfs /tmp tmpfs rw 0 0',
  ];
  expect(hierarchies(mounts.join('\n'), '6:freezer:/\n0::/\n')).toEqual([]);
});
