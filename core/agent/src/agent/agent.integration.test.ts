import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { toValueMap } from '@stackyard/proto';
import { componentDir } from '@stackyard/sdk/render';
import { sha256 } from '../artifacts/digest.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildBundle, bundleCommand } from '../bundle.ts';
import { componentGroup } from '../processes/cgroups.ts';
import { agentPaths } from '../paths.ts';
import { endProcesses, findByCookie } from '../processes/kill.ts';
import { readState } from '../processes/state.ts';
import { type AgentOptions, runAgent, type RunningAgent } from './runAgent.ts';
import { TestServer } from './testServer.ts';
import {
  buildTestStack,
  hostComponentId,
  testEnvelope,
  type TestPlace,
  testSelf,
  type TestStack,
  testValues,
} from './testStack.ts';

let dir: string;
let server: TestServer;
let stack: TestStack;
let place: TestPlace;
let options: AgentOptions;
let agent: RunningAgent | undefined;
const children: ChildProcess[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-agent-'));
  server = new TestServer();
  await server.start();
  stack = await buildTestStack(join(dir, 'build'));
  for (const [digest, file] of stack.files) server.files.set(digest, file);
  place = { root: join(dir, 'h1'), address: '127.0.0.1', port: await freePort() };
  const { root, address } = place;
  options = { ...server.joining, root, address, bind: address, local: true, hostName: 'h1' };
});

afterEach(async () => {
  await agent?.stop();
  agent = undefined;
  for (const child of children.splice(0)) child.kill('SIGKILL');
  const group = componentGroup(componentDir(place.root, hostComponentId));
  await endProcesses({ cookie: { name: 'STACKYARD_COMPONENT', value: hostComponentId }, group, graceMs: 0 });
  await server.close();
  await rm(dir, { recursive: true, force: true });
});

async function startAgent(): Promise<void> {
  const before = server.hellos.length;
  agent = await runAgent(options);
  await server.until(() => server.hellos.length > before, 'a hello');
}

/** Runs a phase and gives back its result. */
async function run(phase: string, more: Parameters<typeof testEnvelope>[3] = {}) {
  const attempt = server.dispatch(testEnvelope(stack, place, phase, more));
  const result = await server.resultOf(attempt);
  return { ...result, log: await server.logOf(attempt) };
}

test('a component is installed, configured, started, checked, stopped and removed without a trace', async () => {
  await startAgent();
  const installed = await run('install');
  expect(installed).toMatchObject({ reason: '', message: '' });
  expect(installed.log).toContain('Unpacked beat 1.0.0 (1 file) into');

  const config = `${place.root}/etc/stackyard/beat/beater/beat.conf`;
  const id = `${place.root}/data/beat/id`;
  const text = `port=${place.port}\ndataDir=${place.root}/data/beat\nmode=well\n`;
  const wrong = await run('configure', { expectedFiles: { [config]: sha256('other'), [id]: sha256('1\n') } });
  expect(wrong).toMatchObject({ reason: 'ARTIFACT_INTEGRITY' });
  expect(existsSync(config)).toBe(false);
  const configured = await run('configure', { expectedFiles: { [config]: sha256(text), [id]: sha256('1\n') } });
  expect(configured).toMatchObject({ reason: '', applied: { [config]: sha256(text), [id]: sha256('1\n') } });
  expect(await readFile(config, 'utf8')).toBe(text);

  expect((await run('init')).outputs).toHaveProperty('once.format');
  expect((await run('init')).log).toContain('was done before');

  const started = await run('start');
  expect(started).toMatchObject({ reason: '' });
  expect(started.log).toContain('It is ready after');
  expect(await run('check')).toMatchObject({ reason: '' });

  server.watched = [
    {
      hostComponentId,
      artifactDigest: stack.artifactDigest,
      service: 'beat',
      component: 'beater',
      self: testSelf(place),
      values: testValues(place),
    },
  ];
  server.send({ watchComponents: { components: server.watched } });
  const observed = () => server.statuses.get(hostComponentId);
  await server.until(() => observed()?.observed === 'RUNNING', 'RUNNING');
  expect(observed()).toMatchObject({ role: 'leader', health: { answers: true }, restarts: 0 });

  process.kill(observed()?.pid ?? 0, 'SIGKILL');
  await server.until(() => observed()?.restarts === 1 && observed()?.observed === 'RUNNING', 'a supervised restart');

  const stopped = await run('stop');
  expect(stopped.log).toContain('Stopped Beater.');
  await server.until(() => observed()?.observed === 'STOPPED', 'STOPPED');

  expect(await run('remove')).toMatchObject({ reason: '' });
  expect(await left(place.root)).toEqual(['data/beat/.stackyard-once', 'data/beat/formatted', 'data/beat/id']);
  expect(await run('remove', { deleteData: true })).toMatchObject({ reason: '' });
  expect(await left(place.root)).toEqual([]);
});

test('an action gets its input and gives back JSON; what leaves is told to the functions that empty it', async () => {
  await startAgent();
  const ask = (name: string, input = {}) => run('action', { action: { name, input: toValueMap(input) } });
  const echoed = await ask('echo', { topic: 't', n: 3, list: ['a'], none: null });
  expect(echoed).toMatchObject({ reason: '' });
  expect(JSON.parse(echoed.outputs['result'] ?? '')).toEqual({
    given: { topic: 't', n: 3, list: ['a'], none: null },
    by: 'h1',
  });
  const large = await ask('large');
  expect(large).toMatchObject({ reason: '' });
  expect(large.outputs).toEqual({
    resultNote: expect.stringContaining('The result of large has 50002 bytes; 49152 are kept.'),
  });
  expect(large.log).toContain('x'.repeat(50_000));
  expect((await ask('nonsense')).message).toContain('nonsense was done, but what it gave back is no JSON.');
  expect((await ask('toString')).message).toContain('but lifecycle.mjs has none');

  expect((await run('reload')).log).toContain('Reloaded h1');
  const instances = [{ host: 'h9', address: '127.0.0.9', ordinal: 9, leaving: true }];
  const drain = { component: 'beater', instances };
  expect((await run('decommission', { drain })).log).toContain('Emptied h9 true');
  expect((await run('recommission', { drain })).log).toContain('Took in h9');
});

test('a port that was changed but not applied yet leaves a running component what it is, also after a restart of the agent', async () => {
  await startAgent();
  for (const phase of ['install', 'start']) expect(await run(phase)).toMatchObject({ reason: '' });
  const watch = (port: number): void => {
    const values = testValues({ ...place, port });
    const self = testSelf(place);
    const { artifactDigest } = stack;
    server.watched = [{ hostComponentId, artifactDigest, service: 'beat', component: 'beater', self, values }];
    server.send({ watchComponents: { components: server.watched } });
  };
  const observed = () => server.statuses.get(hostComponentId);
  watch(place.port);
  await server.until(() => observed()?.role === 'leader', 'a role');

  const [from, hellos] = [server.said.length, server.hellos.length];
  watch(await freePort());
  // Two rounds of probes: what fails once only is forgiven.
  await delay(11_000);
  expect(observed()).toMatchObject({ observed: 'RUNNING', role: 'leader' });
  await agent?.stop();
  server.statuses.clear();
  await startAgent();
  await server.until(() => observed()?.role === 'leader', 'a role');
  const told = [
    ...server.hellos.slice(hellos).flatMap(({ components }) => components),
    ...server.said.slice(from).flatMap((message) => message.componentStatuses?.components ?? []),
  ].map((status) => status.observed);
  // The new agent has not asked yet when it says hello.
  expect(told).not.toContain('UNHEALTHY');
  expect(observed()?.observed).toBe('RUNNING');
});

test('a process that ends before it is ready fails the start with its last lines', async () => {
  await startAgent();
  place = { ...place, mode: 'badly' };
  await run('install');
  await run('configure', await expected());
  const failed = await run('start');
  expect(failed.reason).toBe('EXIT_NONZERO');
  expect(failed.message).toContain('Beater ended with exit code 3 before it was ready.');
  expect(failed.message).toContain('no heart');
});

test('a start is refused while another process listens on its port', async () => {
  await startAgent();
  await run('install');
  await run('configure', await expected());
  const intruder = createServer().listen(place.port, place.address);
  await once(intruder, 'listening');
  const refused = await run('start');
  await new Promise((resolve) => intruder.close(resolve));
  expect(refused.message).toContain(`Another process listens on 127.0.0.1:${place.port} of host h1 already`);
  expect(await run('start')).toMatchObject({ reason: '' });
});

test('the server is told the digests of what it expects, and a task that is refused wrote nothing', async () => {
  await startAgent();
  await run('install');
  expect(await run('configure')).toMatchObject({ reason: 'ARTIFACT_INTEGRITY' });
});

test('a stack that was changed on the disk is not run, and is fetched anew for the next attempt', async () => {
  await startAgent();
  await run('install');
  const artifacts = `${place.root}/var/lib/stackyard/agent/artifacts`;
  const [name] = await readdir(artifacts);
  await appendFile(`${artifacts}/${name}/lifecycle.mjs`, '// changed');
  const refused = await run('init');
  expect(refused).toMatchObject({ reason: 'ARTIFACT_INTEGRITY' });
  expect(refused.message).toContain('lifecycle.mjs');
  expect(existsSync(`${place.root}/data/beat/formatted`)).toBe(false);
  while (existsSync(`${artifacts}/${name}`)) await delay(10);
  expect(await run('init')).toMatchObject({ reason: '' });
});

test('an artifact or a package that is not what its digest names is refused before it is unpacked', async () => {
  await startAgent();
  const [artifact, archive] = stack.files.values();
  server.files.set(stack.artifactDigest, archive ?? '');
  expect(await run('install')).toMatchObject({ reason: 'ARTIFACT_INTEGRITY' });
  server.files.set(stack.artifactDigest, artifact ?? '');
  const wrong = { beat: { version: '1.0.0', digest: sha256('other'), size: stack.packageSize } };
  server.files.set(sha256('other'), archive ?? '');
  const refused = await run('install', { packages: wrong });
  expect(refused).toMatchObject({ reason: 'ARTIFACT_INTEGRITY' });
  expect(refused.message).toContain('Package beat 1.0.0 has digest');
  expect(existsSync(`${place.root}/opt`)).toBe(false);
  expect(await run('install')).toMatchObject({ reason: '' });
});

test('a package that the server does not have fails the task with a sentence', async () => {
  await startAgent();
  const packages = { beat: { version: '1.0.0', digest: sha256('none'), size: 10 } };
  const failed = await run('install', { packages });
  expect(failed.reason).toBe('PACKAGE_UNAVAILABLE');
  expect(failed.message).toContain('beat 1.0.0 could not be downloaded from the server');
  expect(failed.log).toContain('could not be downloaded');
});

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'an agent that gets %s in the middle of a task finds it again, and the task has run once',
  async (signal) => {
    let child = await spawnAgent();
    await server.until(() => server.hellos.length === 1, 'a hello');
    await run('install');
    const attempt = server.dispatch(testEnvelope(stack, place, 'prepare'));
    await server.until(
      () => server.said.some(({ started }) => started?.attempt?.taskId === attempt.taskId),
      'the start',
    );
    child.kill(signal);
    await once(child, 'exit');
    await server.until(() => !server.connected, 'the end of the stream');

    child = await spawnAgent();
    await server.until(() => server.hellos.length === 2, 'a second hello');
    expect(server.hellos[1]?.journalId).toBe(server.hellos[0]?.journalId);
    expect(server.hellos[1]?.inventory).toMatchObject([{ attempt, phase: expect.stringMatching(/STARTED|EXITED/) }]);
    server.dispatch(testEnvelope(stack, place, 'prepare', { taskId: attempt.taskId }));
    expect(await server.resultOf(attempt)).toMatchObject({ reason: '' });
    expect(await server.logOf(attempt)).toBe('Preparing for a while.\nPrepared.\n');
    expect(await readFile(`${place.root}/marks`, 'utf8')).toBe('prepared\n');
    child.kill('SIGTERM');
    expect((await once(child, 'exit'))[0]).toBe(0);
  },
);

test('a cancel ends a running task, and the server learns that it was killed', async () => {
  await startAgent();
  await run('install');
  const attempt = server.dispatch(testEnvelope(stack, place, 'prepare'));
  await server.until(() => server.said.some(({ started }) => started?.attempt?.taskId === attempt.taskId), 'the start');
  server.send({ cancel: { attempt, graceMs: 1_000, cause: 'USER_CANCEL' } });
  expect(await server.resultOf(attempt)).toMatchObject({ reason: 'KILLED' });
});

test('a result waits on the disk while the server is away and comes with the next session', async () => {
  await startAgent();
  await run('install');
  const attempt = server.dispatch(testEnvelope(stack, place, 'prepare'));
  await server.until(() => server.said.some(({ started }) => started?.attempt?.taskId === attempt.taskId), 'the start');
  await server.stop();
  await untilFile(`${place.root}/var/lib/stackyard/agent/spool/${attempt.taskId}.1/exit`);
  await server.start();
  expect(await server.resultOf(attempt)).toMatchObject({ reason: '' });
  expect(await server.logOf(attempt)).toContain('Prepared.');
});

test('a log whose end had not reached the server when the agent ended is sent by the next one', async () => {
  await startAgent();
  await run('install');
  const attempt = server.dispatch(testEnvelope(stack, place, 'prepare'));
  const log = await server.resultOf(attempt).then(() => server.logOf(attempt));
  const mark = `${place.root}/var/lib/stackyard/agent/spool/${attempt.taskId}.1/log-delivered`;
  await untilFile(mark);
  await agent?.stop();
  // As it is when the result is acknowledged and the log is not.
  await rm(mark);
  server.logs.clear();
  server.ended.clear();
  await startAgent();
  expect(await server.logOf(attempt)).toBe(log);
});

test('an agent that the server does not know any more joins anew when it was given a token', async () => {
  await startAgent();
  const before = agent?.agentId;
  await agent?.stop();
  server.forgets = true;
  agent = await runAgent(options);
  await server.until(() => server.hellos.length === 2, 'a hello under another identity');
  expect(agent.agentId).not.toBe(before);
  expect(await run('install')).toMatchObject({ reason: '' });
});

test('what an agent keeps of its identity is for nobody else, and in one place', async () => {
  await startAgent();
  expect(await run('install')).toMatchObject({ reason: '' });
  const holders: string[] = [];
  for (const entry of await readdir(place.root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile()) continue;
    // The folder of a warm runner comes and goes meanwhile: what is gone is kept nowhere.
    const text = await readFile(path, 'latin1').catch(whenGone);
    if (!text.includes('PRIVATE KEY')) continue;
    holders.push(path);
    expect([path, (await stat(path)).mode & 0o777]).toEqual([path, 0o600]);
  }
  const { home, identity } = agentPaths(place.root);
  expect(holders).toEqual([identity]);
  expect((await stat(home)).mode & 0o777).toBe(0o700);
});

test('an agent whose host was removed as lost says which of its components still run', async () => {
  await startAgent();
  for (const phase of ['install', 'configure', 'init', 'start']) await run(phase);
  const self = testSelf(place);
  const component = { hostComponentId, artifactDigest: stack.artifactDigest, service: 'beat', component: 'beater' };
  server.watched = [{ ...component, self, values: testValues(place) }];
  server.send({ watchComponents: { components: server.watched } });
  const watched = join(place.root, 'var/lib/stackyard/agent/watched.json');
  await expect.poll(() => readFile(watched, 'utf8').catch(() => '')).toContain(hostComponentId);
  const pid = readState(componentDir(place.root, hostComponentId)).process!.pid;
  await agent?.stop();
  server.forgets = true;
  const { token: _, ...withoutToken } = options;
  agent = await runAgent(withoutToken);
  const said = async (): Promise<string> =>
    readFile(join(place.root, 'var/log/stackyard/agent.log'), 'utf8').catch(() => '');
  await expect.poll(said, { timeout: 20_000 }).toContain('its components still run. Stop them by hand');
  expect(await said()).toContain(`"pid":${pid}`);
  expect(readState(componentDir(place.root, hostComponentId)).alive).toBe(true);
});

test('a result that was acknowledged comes again with its log when the server asks for it, also after a restart', async () => {
  await startAgent();
  const attempt = server.dispatch(testEnvelope(stack, place, 'install'));
  const [first, log] = [await server.resultOf(attempt), await server.logOf(attempt)];
  for (const restarts of [false, true]) {
    // Restored from a backup that is older than both.
    server.results.length = 0;
    for (const known of [server.logs, server.ended]) known.clear();
    if (restarts) {
      await agent?.stop();
      await startAgent();
    }
    server.send({ recall: { attempt } });
    expect(await server.resultOf(attempt)).toEqual(first);
    expect(await server.logOf(attempt)).toBe(log);
  }
  const unknown = { taskId: randomUUID(), number: 1 };
  server.send({ recall: { attempt: unknown } });
  await server.until(
    () => server.said.at(-1)?.forgotten?.attempt?.taskId === unknown.taskId,
    'a word of having nothing',
  );
});

test('an agent that has stopped has left no runner behind, not even one that was just being started', async () => {
  await startAgent();
  const warm = join(agentPaths(place.root).spool, 'warm');
  // It starts runners as soon as it has accepted something.
  server.dispatch(testEnvelope(stack, place, 'install'));
  await server.until(() => server.said.some(({ dispatchReply }) => dispatchReply), 'an answer');
  const cookies = await readdir(warm);
  const living = async () =>
    (await Promise.all(cookies.map((value) => findByCookie({ name: 'STACKYARD_ATTEMPT', value })))).flat();
  expect(cookies).not.toEqual([]);
  await agent?.stop();
  // The task itself carries on where it had begun.
  expect((await living()).length).toBeLessThanOrEqual(1);
  await expect.poll(living, { timeout: 20_000 }).toEqual([]);
});

test('there is one agent per host root, and none without an identity or a token', async () => {
  await startAgent();
  await expect(runAgent(options)).rejects.toThrow(/manages the host root .* already/);
  const { token: _, ...without } = options;
  await expect(runAgent({ ...without, root: join(dir, 'h2') })).rejects.toThrow('has not joined a server yet');
  await expect(runAgent({ ...options, root: join(dir, 'h3'), token: 'bad' })).rejects.toThrow('The token is not known');
});

/** The agent's bundle as a process of its own. */
async function spawnAgent(): Promise<ChildProcess> {
  const { file, args, env } = bundleCommand(await buildBundle());
  const token = join(dir, 'token');
  writeFileSync(token, 'good-token\n');
  const { root, address } = place;
  const own = [
    '--enrol',
    server.joining.enrolment,
    '--ca-sha256',
    server.joining.caSha256,
    '--root',
    root,
    '--address',
    address,
    '--local',
    '--name',
    'h1',
    '--token-file',
    token,
  ];
  const child = spawn(file, [...args, ...own], { stdio: 'inherit', env: { ...process.env, ...env } });
  children.push(child);
  return child;
}

async function untilFile(path: string): Promise<void> {
  const signal = AbortSignal.timeout(30_000);
  while (!existsSync(path)) await delay(20, undefined, { signal });
}

async function expected() {
  const text = `port=${place.port}\ndataDir=${place.root}/data/beat\nmode=${place.mode ?? 'well'}\n`;
  const config = `${place.root}/etc/stackyard/beat/beater/beat.conf`;
  return { expectedFiles: { [config]: sha256(text), [`${place.root}/data/beat/id`]: sha256('1\n') } };
}

/** Every file under a host root that is not the agent's own. */
async function left(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => !path.startsWith('var/lib/stackyard/agent/') && path !== 'var/log/stackyard/agent.log')
    .toSorted();
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

function whenGone(error: NodeJS.ErrnoException): string {
  if (error.code !== 'ENOENT') throw error;
  return '';
}
