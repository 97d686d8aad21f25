import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { JobAnswer } from './api.ts';
import { until, World } from './world.ts';

/** Agents that update themselves from the server, with bundles of which one is broken. */
const cli = fileURLToPath(new URL('../bin/stackyard.mjs', import.meta.url));
const joinScript = fileURLToPath(new URL('../../agent/src/launcher/join.sh', import.meta.url));
const names = ['h1', 'h2'];
let world: World;
let first: string;

/** What the server gives lies here; it looks each time which is the newest. */
let bundles: string;
const rootOf = (name: string): string => join(world.dir, name);
const launcher = (name: string, verb: string) =>
  spawnSync('sh', [join(rootOf(name), 'opt/stackyard-agent/current/launcher.sh'), verb], { encoding: 'utf8' });

beforeAll(async () => {
  bundles = await mkdtemp(join(tmpdir(), 'stackyard-agent-bundles-'));
  world = await World.start({
    stacks: ['examples/mock-stack'],
    hosts: [],
    env: { STACKYARD_SERVER_AGENT_BUNDLES: bundles },
  });
  const packed = await stackyard('agent', 'bundle', '--arch', process.arch, '--out', join(world.dir, 'own.tar.gz'));
  first = packed.out.trim();
  await offer(first);
  for (const [index, name] of names.entries()) await bringIn(name, `127.0.0.${21 + index}`);
});
afterAll(async () => {
  if (world) for (const name of names) if (existsSync(rootOf(name))) launcher(name, 'stop');
  await world?.close();
  await rm(bundles, { recursive: true, force: true });
});

async function stackyard(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { url, token } = world.api;
  const env = { ...process.env, XDG_CONFIG_HOME: world.dir, STACKYARD_URL: url, STACKYARD_TOKEN: token };
  const child = spawn(process.execPath, [cli, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: code as number, out, err };
}

/** Makes the server give a version of the agent, changed as told. */
async function offer(version: string, change: (dir: string) => Promise<void> = async () => undefined): Promise<void> {
  const dir = join(world.dir, `make-${version}`);
  await mkdir(dir);
  must('tar', '-xzf', join(world.dir, 'own.tar.gz'), '-C', dir);
  await writeFile(join(dir, 'bundle.json'), `{"version":"${version}","arch":"${process.arch}"}\n`);
  await change(dir);
  const made = join(world.dir, 'made.tar.gz');
  must('sh', '-c', `cd "${dir}" && tar -cf - * | gzip -1 >"${made}"`);
  must('mv', made, join(bundles, `${version}-${process.arch}.tar.gz`));
  must('rm', '-rf', dir);
}

function must(file: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(file, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file} ended with ${status}: ${stderr}`);
}

async function bringIn(name: string, address: string): Promise<void> {
  const { token, enrolment, server, authoritySha256 } = await world.api.post<Record<string, string>>('/hosts/tokens', {
    hostName: name,
  });
  const ca = join(world.dir, 'ca.pem');
  must('curl', '-fsSk', '-o', ca, `https://${enrolment}/ca.pem`);
  const bundle = join(bundles, `${first}-${process.arch}.tar.gz`);
  const values = {
    server,
    enrol: enrolment,
    ca,
    'ca-sha256': authoritySha256,
    name,
    root: rootOf(name),
    address,
    bundle,
    'bundle-sha256': createHash('sha256').update(readFileSync(bundle)).digest('hex'),
  };
  const flags = Object.entries(values).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
  const { status, stderr } = spawnSync('sh', [joinScript, ...flags, '--local'], {
    encoding: 'utf8',
    env: { ...process.env, STACKYARD_JOIN_TOKEN: token },
  });
  if (status !== 0) throw new Error(stderr);
  await until(`${name} is reachable with its facts`, async () => {
    const { items } = await world.api.get<{ items: { name: string; reachable: boolean }[] }>('/hosts?limit=500');
    return items.some((host) => host.name === name && host.reachable);
  });
}

async function versions(): Promise<Record<string, string>> {
  const { items } = await world.api.get<{ items: { name: string; agentVersion: string }[] }>('/hosts?limit=500');
  return Object.fromEntries(items.map(({ name, agentVersion }) => [name, agentVersion]));
}

test('agents update themselves wave by wave, with a pause after the first, while a task runs on', async () => {
  await world.api.post('/clusters', { name: 'c', hosts: names });
  const job = await world.api.post<JobAnswer>('/clusters/c/commands', {
    command: 'add',
    services: [
      { service: 'mock', components: { worker: names, follower: ['h1'] }, config: { 'mock.yaml': { startMs: 8000 } } },
    ],
  });
  await until('a task runs start', async () =>
    (await world.api.tasks(job.id)).some(({ phase, state }) => phase === 'start' && state === 'RUNNING'),
  );
  await offer('2.0.0-good');
  const paused = await stackyard('agent', 'update', '--wave', '1', '--pause', '--yes');
  expect(paused).toMatchObject({ code: 0, err: expect.stringContaining('✓ h1  is updated') });
  expect(await versions()).toEqual({ h1: '2.0.0-good', h2: first });
  const [, id = ''] = /--continue (\S+)/.exec(paused.err) ?? [];
  const rest = await stackyard('agent', 'update', '--continue', id);
  expect(rest).toMatchObject({ code: 0, err: expect.stringContaining('✓ h2  is updated') });
  expect(await versions()).toEqual({ h1: '2.0.0-good', h2: '2.0.0-good' });
  expect((await world.api.wait(job.id)).state).toBe('SUCCESSFUL');
  expect((await world.api.tasks(job.id)).every(({ attempts }) => attempts === 1)).toBe(true);
});

test.each([
  ['ends at once', 'process.exit(3);', /ended 5 times without reaching the server/],
  ['hangs', 'setInterval(() => {}, 1000);', /did not reach the server within 10 seconds/],
])('a version that %s is rolled back, said why of, and goes to no other host', async (how, code, reason) => {
  const version = `3.0.0-${how.replaceAll(' ', '-')}`;
  await offer(version, async (dir) => {
    await writeFile(join(dir, 'agent/agent.mjs'), code);
  });
  const stopped = await stackyard('agent', 'update', '--wave', '1', '--trial', '10s', '--yes');
  expect(stopped).toMatchObject({ code: 5, err: expect.stringContaining('✗ h1  went back to its agent') });
  expect(stopped.err).toMatch(reason);
  expect(stopped.err).toContain('Stopped after wave 1, because of h1.');
  expect(stopped.err).not.toContain('h2  is being updated');
  expect(await versions()).toEqual({ h1: '2.0.0-good', h2: '2.0.0-good' });
  expect(launcher('h1', 'status').stdout).toMatch(reason);
  expect(await readFile(join(rootOf('h1'), 'var/log/stackyard/launcher.log'), 'utf8')).toMatch(reason);
});

test('a host that has the version already, and one that is not named, are left alone', async () => {
  await offer('2.0.0-good');
  const { code, err } = await stackyard('agent', 'update', '--hosts', 'h1', '--yes');
  expect([code, err]).toEqual([0, expect.stringContaining('It has this version already.')]);
  expect(err).not.toContain('h2');
});
