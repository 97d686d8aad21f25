import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isAlive, parseIdentity } from '../processes/identity.ts';
import { type Conduct, placeVersion } from './fakeAgent.fixture.ts';

const launcherFile = join(import.meta.dirname, 'launcher.sh');
let root: string;
let base: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'stackyard-launcher-'));
  base = join(root, 'opt/stackyard-agent');
  await mkdir(base, { recursive: true });
  await writeFile(join(base, 'agent.args'), '--name\nh1 with a space\n--odd\n$(touch canary);`id`\n');
  await place('v1', 'connects');
  await symlink('versions/v1', join(base, 'current'));
});

afterEach(async () => {
  const { status, stderr } = existsSync(base) ? launcher('stop') : { status: 0, stderr: '' };
  await rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  if (status !== 0) throw new Error(`The launcher did not stop: ${stderr}`);
});

async function place(version: string, conduct: Conduct): Promise<void> {
  await placeVersion(base, version, conduct);
  await copyFile(launcherFile, join(base, 'versions', version, 'launcher.sh'));
}

function launcher(verb: string) {
  return spawnSync('sh', [join(base, 'current/launcher.sh'), verb], { encoding: 'utf8' });
}

const read = (name: string): string => (existsSync(join(base, name)) ? readFileSync(join(base, name), 'utf8') : '');
const starts = (): string[] => read('starts').split('\n').filter(Boolean);
const versionsStarted = (): string[] => starts().map((line) => line.split(' ')[0]!);
const current = async (): Promise<string> => (await readlink(join(base, 'current'))).replace('versions/', '');

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 45_000;
  while (!(await holds())) {
    const log = readFileSync(join(root, 'var/log/stackyard/launcher.log'), 'utf8');
    if (performance.now() > deadline)
      throw new Error(`It is still not so that ${what}:\n${log}\n${starts().join('\n')}`);
    await delay(20);
  }
}

function kill(pid: number): void {
  process.kill(pid, 'SIGKILL');
}

describe('the launcher', () => {
  test('starts the agent of the current version, with arguments that no shell looks into', async () => {
    expect(launcher('start')).toMatchObject({ status: 0, stderr: '' });
    await until('the agent has reached the server', () => launcher('status').stdout.includes('has reached the server'));
    const [line = ''] = starts();
    expect(line.replace(/ \d+ /, ' ').replaceAll(base, '')).toBe(
      'v1 --one --two /versions/v1/agent/agent.mjs --name h1 with a space --odd $(touch canary);`id`',
    );
    expect(existsSync(join(base, 'canary'))).toBe(false);
  });

  test('starts an agent again that was killed, and ends it when it is stopped itself', async () => {
    launcher('start');
    await until('the agent runs', () => starts().length === 1);
    kill(Number(starts()[0]!.split(' ')[1]));
    await until('the agent runs again', () => starts().length === 2);
    const own = parseIdentity(read('launcher'))!;
    const pid = Number(starts()[1]!.split(' ')[1]);
    expect(launcher('stop').status).toBe(0);
    expect([isAlive(own), existsSync(`/proc/${pid}`)]).toEqual([false, false]);
    // A second signal would have cut it short.
    expect(read('goodbyes')).toBe('said goodbye\nended well\n');
    expect(launcher('status')).toMatchObject({ status: 1, stdout: 'Version v1, not running.\n' });
  });

  test('is only one, however often it is started, and is not mistaken for a process that has its pid', async () => {
    await writeFile(join(base, 'launcher'), `${process.pid} 1 ${'0'.repeat(8)}\n`);
    launcher('start');
    const first = read('launcher');
    launcher('start');
    expect(read('launcher')).toBe(first);
    expect(parseIdentity(first)!.pid).not.toBe(process.pid);
    expect(launcher('run').status).toBe(75);
  });

  test('keeps a new version that reaches the server, and goes on as its launcher', async () => {
    launcher('start');
    await until('the agent runs', () => starts().length === 1);
    await place('v2', 'connects');
    await writeFile(join(base, 'versions/v2/launcher.sh'), `${readFileSync(launcherFile, 'utf8')}\n# newer\n`);
    await writeFile(join(base, 'next'), 'v2 30\n');
    kill(Number(starts()[0]!.split(' ')[1]));
    await until('the trial is over', () => versionsStarted().includes('v2') && !existsSync(join(base, 'trying')));
    expect([await current(), read('failed')]).toEqual(['v2', '']);
    kill(Number(starts()[1]!.split(' ')[1]));
    await until('it runs once more', () => starts().length === 3);
    const { pid } = parseIdentity(read('launcher'))!;
    expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).toContain('versions/v2/launcher.sh');
  });

  test.each([
    ['does not reach the server in time', 'hangs', 'did not reach the server within 1 seconds'],
    ['ends again and again', 'crashes', 'ended 5 times without reaching the server'],
  ] as const)('gives up a version that %s, and says why', async (_, conduct, reason) => {
    launcher('start');
    await until('the agent runs', () => starts().length === 1);
    await place('v2', conduct);
    await writeFile(join(base, 'next'), `v2 ${conduct === 'hangs' ? 1 : 60}\n`);
    kill(Number(starts()[0]!.split(' ')[1]));
    await until('it has gone back', async () => read('failed') !== '' && versionsStarted().at(-1) === 'v1');
    expect(read('failed')).toBe(`v2 ${reason}\n`);
    expect([await current(), existsSync(join(base, 'trying'))]).toEqual(['v1', false]);
    await until('the old one is back', () => launcher('status').stdout.includes('has reached the server'));
    expect(launcher('status').stdout).toContain(`Version v2 ${reason} and was given up.`);
  });

  test('goes on with a trial that it was killed in', async () => {
    launcher('start');
    await until('the agent runs', () => starts().length === 1);
    await place('v2', 'hangs');
    await writeFile(join(base, 'next'), 'v2 4\n');
    kill(Number(starts()[0]!.split(' ')[1]));
    await until('the trial has begun', () => versionsStarted().includes('v2'));
    const own = parseIdentity(read('launcher'))!;
    kill(own.pid);
    kill(Number(starts().at(-1)!.split(' ')[1]));
    await until('the killed one is gone', () => !isAlive(own));
    launcher('start');
    await until('it has gone back', () => read('failed') !== '' && versionsStarted().at(-1) === 'v1');
    expect(await current()).toBe('v1');
  });

  test.each(['../../etc', 'gone', '$(touch canary)'])('does not try a version called %s', async (version) => {
    await writeFile(join(base, 'next'), `${version} 5\n`);
    launcher('start');
    await until('the agent runs', () => starts().length === 1);
    expect([await current(), versionsStarted(), existsSync(join(base, 'canary'))]).toEqual(['v1', ['v1'], false]);
    expect(read('failed')).toContain('was not staged');
  });

  test('removes the agent and leaves components, configs and logs alone', async () => {
    launcher('start');
    const kept = [
      'var/lib/stackyard/components/c1/pid',
      'etc/stackyard/zoo.cfg',
      'opt/stackyard/zookeeper/x',
      'srv/data',
    ];
    for (const file of [...kept, 'var/lib/stackyard/agent/identity.json']) {
      await mkdir(join(root, file, '..'), { recursive: true });
      await writeFile(join(root, file), 'x');
    }
    expect(launcher('remove')).toMatchObject({ status: 0 });
    expect(kept.filter((file) => !existsSync(join(root, file)))).toEqual([]);
    expect([existsSync(base), existsSync(join(root, 'var/lib/stackyard/agent'))]).toEqual([false, false]);
  });
});
