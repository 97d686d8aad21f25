import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConflictError } from '../errors.ts';
import { colours } from '../output/terminal.ts';
import { identityOf, isAlive } from './identity.ts';
import { lockDemo, openLayout, readState, writeState } from './layout.ts';
import { freePort, listenerOn, listenProblem } from './ports.ts';
import { jdkProblem, preflight } from './preflight.ts';
import { endLeftover, Running } from './processes.ts';
import { agentProgram, localHosts, serverProgram } from './programs.ts';
import { demoStacks } from './stacks.ts';
import { readyText } from './words.ts';

const repository = join(import.meta.dirname, '../../../..');

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'stackyard-demo-'))));
afterAll(async () => rm(dir, { recursive: true, force: true }));

const program = (name: string, script: string, env: Record<string, string> = {}) => ({
  name,
  file: process.execPath,
  args: ['-e', script],
  env: { ...process.env, ...env },
  logFile: join(dir, `${name}.log`),
  pidFile: join(dir, `${name}.json`),
});

test('a taken port is told with the program that has it and what to do', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  try {
    expect(await listenProblem('127.0.0.1', port)).toBe('EADDRINUSE');
    expect(listenerOn(port, '127.0.0.1')).toMatchObject({ pid: process.pid });
    expect(listenerOn(port, '127.0.0.12')).toBeUndefined();
    const problems = await preflight({
      dir,
      port,
      addresses: ['127.0.250.11'],
      stacks: ['@stack/zookeeper'],
      needsMaven: false,
      env: process.env,
    });
    expect(problems.find((problem) => problem.startsWith(`Port ${port} is taken by `))).toMatch(
      /Stop what listens there, or choose another by --port \d+\.$/,
    );
  } finally {
    server.close();
  }
  expect(await listenProblem('127.0.0.1', await freePort('127.0.0.1'))).toBeUndefined();
});

test('a missing or old JDK and a missing Maven are told, each in a sentence', async () => {
  const jdk = async (name: string, version: string) => {
    await mkdir(join(dir, name), { recursive: true });
    await writeFile(join(dir, name, 'release'), `IMPLEMENTOR="x"\nJAVA_VERSION="${version}"\n`);
    return join(dir, name);
  };
  expect(jdkProblem({}, [])).toBe(
    'No Java was found, and ZooKeeper runs on it. Install a JDK (on Debian: apt install openjdk-17-jdk-headless), or set JAVA_HOME.',
  );
  expect(jdkProblem({ JAVA_HOME: await jdk('old', '1.8.0_402') }, [])).toMatch(
    /^Java 1\.8\.0_402 is too old: ZooKeeper needs 11 or newer\./,
  );
  expect(jdkProblem({ JAVA_HOME: await jdk('new', '17.0.15') }, [])).toBeUndefined();
  const problems = await preflight({
    stacks: ['@stack/zookeeper'],
    dir,
    port: 0,
    addresses: [],
    needsMaven: true,
    env: { JAVA_HOME: join(dir, 'new') },
  });
  expect(problems).toEqual([
    'Maven (mvn) was not found, and the products are fetched by it. Install it (on Debian: apt install maven) and start again.',
  ]);
});

test('a demo brings up ZooKeeper, or the stacks that are asked for, and keeps those it has', () => {
  const names = (...args: Parameters<typeof demoStacks>) => demoStacks(...args).map(({ name }) => name);
  expect(names(undefined, undefined)).toEqual(['@stack/zookeeper']);
  expect(names('hadoop', undefined)).toEqual(['@stack/hadoop']);
  expect(names('hadoop, zookeeper', ['@stack/zookeeper'])).toEqual(['@stack/zookeeper', '@stack/hadoop']);
  expect(names(undefined, ['@stack/hadoop'])).toEqual(['@stack/hadoop']);
  expect(names(join(repository, 'examples/redis-stack'), undefined)).toEqual(['@example/redis']);
  expect(() => names('hadop', undefined)).toThrow('There is no stack @stack/hadop');
  expect(() => names('zookeeper,', undefined)).toThrow('name stacks such as zookeeper,kafka, or all');
});

test('a second demo on the same folder is refused; after a killed one the folder is free', () => {
  const layout = openLayout(join(dir, 'locked'));
  const unlock = lockDemo(layout);
  expect(() => lockDemo(layout)).toThrow(ConflictError);
  unlock();
  lockDemo(layout)();
});

test('what the demo remembers is found again; data of another version is refused', async () => {
  const layout = openLayout(join(dir, 'state'));
  expect(readState(layout)).toBeUndefined();
  writeState(layout, { hosts: 4, agentPort: 1234 });
  expect(readState(layout)).toEqual({ format: 1, hosts: 4, agentPort: 1234 });
  await writeFile(layout.stateFile, '{"format":0}');
  expect(() => readState(layout)).toThrow(`The data in ${layout.dir} was made by another version of the demo.`);
});

test('a folder that cannot be one is told', async () => {
  await writeFile(join(dir, 'file'), '');
  expect(() => openLayout(join(dir, 'file'))).toThrow(
    /cannot be written \(E\w+\)\. Mend its rights, or choose another by --data-dir\.$/,
  );
});

test('programs run in groups of their own, tell their first line, and end when asked or when made to', async () => {
  const running = new Running(
    program('stubborn', "process.on('SIGTERM', () => {}); console.log('ready'); setInterval(() => {}, 1000)"),
  );
  expect(await running.firstLine()).toBe('ready');
  const identity = identityOf(running.pid ?? 0);
  expect(identity && isAlive(identity)).toBe(true);
  await running.stop({ graceMs: 50 });
  expect(await running.ended).toBe('SIGKILL');
  expect(identity && isAlive(identity)).toBe(false);
});

test('a program that ends instead of starting says why by its own sentence', async () => {
  const running = new Running(program('refusing', "console.error('✗ The port is taken.'); process.exitCode = 1"));
  await expect(running.firstLine()).rejects.toThrow(/^The port is taken\.$/);
});

test('what a killed demo left is ended by its pid file, and never another process of that pid', async () => {
  const left = new Running(program('left', "console.log('up'); setInterval(() => {}, 1000)"));
  await left.firstLine();
  expect(await endLeftover(left.program.pidFile, 2_000)).toBe(true);
  expect(await endLeftover(left.program.pidFile, 2_000)).toBe(false);
  const own = identityOf(process.pid);
  await writeFile(join(dir, 'reused.json'), JSON.stringify({ ...own, startTime: 1 }));
  expect(await endLeftover(join(dir, 'reused.json'), 10)).toBe(false);
});

test('no secret stands in the arguments of a child, and none of our own server goes to it', () => {
  const layout = openLayout(join(dir, 'layout'));
  const [host] = localHosts(1);
  const env = {
    PATH: '/bin',
    STACKYARD_TOKEN: 'syk_other',
    STACKYARD_URL: 'http://elsewhere',
    DATABASE_URL: 'postgres://x',
  };
  const agent = agentProgram(layout, {
    host: host as never,
    command: { file: 'node', args: ['agent.mjs'], env: {} },
    ticket: { server: '127.0.0.1:1', enrolment: '127.0.0.1:2', authoritySha256: 'ab', token: 'syj_secret' },
    env,
  });
  expect(agent.args.join(' ')).not.toContain('syj_secret');
  expect(agent.env).toEqual({ PATH: '/bin', STACKYARD_JOIN_TOKEN: 'syj_secret' });
  expect(agent.args).toEqual(expect.arrayContaining(['--enrol', '127.0.0.1:2', '--ca-sha256', 'ab']));
  expect(agent.args).toEqual(expect.arrayContaining(['--name', 'host1', '--address', '127.0.0.11', '--local']));
  expect(serverProgram(layout, { port: 1, agentPort: 2, enrolmentPort: 3, packageOrigin: 'maven', env }).env).toEqual({
    PATH: '/bin',
  });
});

test('when all is up, a newcomer reads where it is and three things to try', () => {
  const member = {
    id: 'x',
    service: 'zookeeper',
    component: 'zookeeper_server',
    host: 'host3',
    ordinal: 3,
    desired: 'RUNNING' as const,
    leaving: null,
    observed: 'RUNNING' as const,
  };
  const rest = {
    observedAt: null,
    message: null,
    role: 'leader',
    restarts: 0,
    pid: 123,
    configVersion: 1,
    version: '3.9.4',
    stackVersion: '1.0.0',
    behind: false,
    stale: null,
    links: {},
  };
  const text = readyText(
    {
      url: 'http://127.0.0.1:8080',
      tokenFile: '.stackyard/demo/server/admin-token',
      exports: { zookeeper: { connect: '127.0.0.11:2181' } },
      components: [{ ...member, ...rest }],
      command: 'npx stackyard',
      context: '',
    },
    colours(false),
  );
  expect(text).toMatchInlineSnapshot(`
    "
    API and docs       http://127.0.0.1:8080/api/v1/docs
    Sign in            Authorization: Bearer <the token in .stackyard/demo/server/admin-token>
    Metrics            http://127.0.0.1:8080/metrics
    zookeeper.connect  127.0.0.11:2181

    Three things to try, in another terminal in this folder:
      1. See the ensemble: who leads, who follows.
           npx stackyard component list
      2. Change a property: see the diff of each file and who restarts, then say yes.
           npx stackyard config set zookeeper tickTime=3000
      3. Kill a member (the leader) and see it come back, its restart counted.
           kill -9 123; sleep 3; npx stackyard component list

    Ctrl-C stops everything that was started; the next start finds its data again.
    "
  `);
});
