import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { httpServer, sendJson } from './api/testing.ts';
import type { HostComponent } from './api/types.ts';
import { run } from './cli.ts';
import { stateText } from './commands/component.ts';
import { exitCodeOf, exitCodeOfJob } from './exitCodes.ts';
import { colours } from './output/terminal.ts';
import { testTerminal } from './output/testing.ts';
import { buildProgram } from './program.ts';

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'stackyard-cli-'))));
afterAll(async () => rm(dir, { recursive: true, force: true }));

async function cli(argv: string, env: Record<string, string> = {}) {
  const terminal = testTerminal({ env: { XDG_CONFIG_HOME: dir, ...env } });
  const code = await run(argv.split(' ').filter(Boolean), terminal);
  return { code, ...terminal.said };
}

const problem = (status: number, code: string, detail: string, errors: object[] = []) => ({
  type: '',
  title: 'Refused',
  status,
  code,
  detail,
  requestId: 'r1',
  errors,
});
const cluster = { id: 'c1', name: 'demo', title: null, revision: 3, createdAt: '2026-01-01T00:00:00Z' };

test('help reads well', async () => {
  expect((await cli('')).code).toBe(2);
  expect((await cli('--help')).out).toMatchInlineSnapshot(`
    "Usage: stackyard [options] [command]

    Deploys and runs big-data services on your own hosts.

    Options:
      -V, --version  output the version number
      -h, --help     display help for command

    Running it:
      demo           a server, three local hosts and a real ZooKeeper ensemble on this machine
      server         run the server
      agent          run the agent of this host
      fleet          simulated agents, to rehearse with as many hosts as wanted

    What is managed:
      cluster        hosts and services that belong together
      host           machines with an agent
      service        products, installed and configured as a whole
      component      processes and clients of services, on their hosts
      action         what components can be asked to do
      config         properties of services, their versions and changes
      plan           what a command would do
      job            what is being done and what was done
      stack          what can be installed
      bundle         stacks in one file, for servers without a network
      monitoring     rules and dashboards of the stacks, for Prometheus and Grafana
      plugin         what the server is made of
      publisher      whose signatures are trusted, and keys to sign with
      trust          which stacks the server lets in
      ca             the authority that vouches for server and agents

    This tool:
      context        servers you have stored
      completion     print a completion script for bash, zsh or fish
      api            send any request to the REST API

    Exit codes: 0 ok, 1 failed, 2 usage, 3 cancelled, 4 authentication, 5 the job ran and failed, 6 conflict, 7 not found.
    "
  `);
  expect((await cli('job --help')).out).toContain('watch [options] [job]         follow a job live until it ends');
});

test('every verb of every noun says what it does, and none takes a secret', async () => {
  const program = await buildProgram(testTerminal(), 'all');
  const verbs = program.commands.flatMap((noun) => noun.commands.map((verb) => `${noun.name()} ${verb.name()}`));
  expect(verbs).toEqual(
    expect.arrayContaining([
      'cluster exports',
      'host add',
      'service add',
      'component restart',
      'config set',
      'plan execute',
      'job retry',
      'stack build',
      'stack sign',
      'stack verify',
      'publisher keygen',
      'trust allow',
    ]),
  );
  const all = program.commands.flatMap((noun) => [noun, ...noun.commands]);
  expect(all.filter((command) => command.summary() === '').map((command) => command.name())).toEqual([]);
  const flags = all.flatMap((command) => command.options.map(({ long }) => long));
  expect(flags.filter((flag) => /^--(token|password|secret)$/.test(flag ?? ''))).toEqual([]);
});

test.each([
  ['job lst', "Unknown command 'lst'. Did you mean list?"],
  ['nope', "Unknown command 'nope'."],
  ['job list --bad', "Unknown option '--bad'."],
  ['job list -o xml', '-o xml is not known: use table, json, yaml, name.'],
  ['cluster create', "Missing required argument 'name'."],
  ['completion tcsh', 'There is no completion for tcsh: use bash, zsh, fish.'],
])('"%s" is wrong usage: %s', async (argv, sentence) => {
  const { code, err, out } = await cli(argv);
  expect({ code, out, err }).toEqual({ code: 2, out: '', err: `✗ ${sentence}\n` });
});

test('a list is a table for people, an array for programs, and a name per line for other commands', async () => {
  await using server = await httpServer((_, response) =>
    sendJson(response, 200, { items: [cluster], nextCursor: null }),
  );
  const env = { STACKYARD_URL: server.url, STACKYARD_TOKEN: 'syk_x' };
  expect((await cli('cluster list', env)).out).toMatch(
    /^CLUSTER {2}TITLE {2}REVISION {2}CREATED\ndemo {12}3 {9}\d+ d ago\n$/,
  );
  expect(JSON.parse((await cli('cluster list -o json', env)).out)).toEqual([cluster]);
  expect((await cli('cluster list -o yaml', env)).out).toContain('- id: c1\n  name: demo\n');
  expect((await cli('cluster list -o name', env)).out).toBe('demo\n');
  expect(server.asked[0]?.headers.authorization).toBe('Bearer syk_x');
});

test('a component says what was seen of its process, and a client that it is installed', () => {
  const state = (desired: string, observed: string, pid: number | null = null) =>
    stateText({ desired, observed, pid, message: null } as Parameters<typeof stateText>[0], colours(false));
  expect([
    state('INSTALLED', 'UNKNOWN'),
    state('INSTALLED', 'STOPPED'),
    state('INSTALLED', 'STARTING', 7),
    state('RUNNING', 'RUNNING', 7),
    state('RUNNING', 'STOPPED'),
  ]).toEqual(['INSTALLED', 'STOPPED', 'STARTING', 'RUNNING', 'STOPPED (should run)']);
});

test('what was seen last on a host out of reach is not told as if it were so', async () => {
  const there = {
    service: 'zookeeper',
    component: 'zookeeper_server',
    ordinal: 1,
    desired: 'RUNNING',
    observed: 'RUNNING',
    role: 'leader',
    pid: 7,
    restarts: 0,
    version: '3.9.4',
    behind: false,
    configVersion: 1,
    stale: null,
  } satisfies Partial<HostComponent>;
  const lastSeenAt = new Date(Date.now() - 300_000).toISOString();
  await using server = await httpServer((request, response) => {
    const hosts = ['a', 'b'].map((name) => ({ name, reachable: name === 'a', lastSeenAt }));
    const items = request.url?.startsWith('/api/v1/hosts')
      ? hosts
      : hosts.map(({ name }) => ({ ...there, host: name }));
    sendJson(response, 200, { items, nextCursor: null });
  });
  const { out } = await cli('component list -c demo', { STACKYARD_URL: server.url, STACKYARD_TOKEN: 'x' });
  const states = out.split('\n').map((line) => line.split(/ {2,}/).slice(1, 6).join(' | '));
  expect(states.slice(1, 3)).toEqual([
    'a | 1 | RUNNING | leader | 7',
    'b | 1 | host out of reach, was RUNNING 5 min ago | - | -',
  ]);
});

test('a value that stands in no file differs too until a restart applies it', async () => {
  const nothing = {
    tasks: [],
    edges: [],
    files: [],
    hosts: [],
    joiningHosts: [],
    reasons: {},
    leaving: [],
    returning: [],
    osPackages: [],
    profiles: [],
    java: [],
    danger: null,
    added: [],
    removed: [],
    warnings: [],
  };
  const place = { host: 'a', service: 'zookeeper', component: 'zookeeper_server' };
  let restarts: object[] = [{ ...place, reason: 'it is started with other values' }];
  await using server = await httpServer((_, response) =>
    sendJson(response, 201, {
      planId: 'p1',
      plan: { ...nothing, title: 'Configure zookeeper', restarts, skipped: [] },
    }),
  );
  const env = { STACKYARD_URL: server.url, STACKYARD_TOKEN: 'x' };
  const differing = await cli('config diff zookeeper -c demo', env);
  expect([differing.code, differing.out]).toEqual([
    1,
    expect.stringContaining('restarts zookeeper_server on a (it is started with other values)'),
  ]);
  restarts = [];
  expect((await cli('config diff zookeeper -c demo', env)).code).toBe(0);
});

test('nothing is cancelled of a job that has ended', async () => {
  const id = '0'.repeat(36);
  const job = { id, title: 'Restart zookeeper', state: 'SUCCESSFUL', finishedAt: '2026-01-01T00:00:00Z' };
  await using server = await httpServer((_, response) => sendJson(response, 200, job));
  const { code, err } = await cli(`job cancel ${id}`, { STACKYARD_URL: server.url, STACKYARD_TOKEN: 'x' });
  expect([code, err]).toEqual([0, 'There is nothing to cancel: Restart zookeeper is SUCCESSFUL already.\n']);
});

test('pages are followed to the end', async () => {
  await using server = await httpServer((request, response) => {
    const second = request.url?.includes('cursor=next');
    sendJson(response, 200, { items: [{ ...cluster, name: second ? 'b' : 'a' }], nextCursor: second ? null : 'next' });
  });
  expect((await cli('cluster list -o name', { STACKYARD_URL: server.url, STACKYARD_TOKEN: 'x' })).out).toBe('a\nb\n');
});

test('what is refused is told in a sentence, each reason with its place, and by the exit code', async () => {
  const answers: Record<string, object> = {
    GET: problem(404, 'NOT_FOUND', 'There is no cluster x.'),
    POST: problem(422, 'PLAN_REFUSED', 'The command has 2 problems.', [
      { code: 'RANGE', message: 'tickTime is 50; it must be at least 100.', pointer: '/config/zoo.cfg/tickTime' },
      { code: 'OTHER', message: 'Host zk9 is not in the cluster.' },
    ]),
    DELETE: problem(409, 'HOST_IN_USE', 'Host zk1 still has zookeeper_server.', [
      { code: 'USED', message: 'zk1 is used.', pointer: '/host' },
    ]),
  };
  await using server = await httpServer((request, response) => {
    const body = answers[request.method ?? ''] as { status: number };
    sendJson(response, body.status, body);
  });
  const env = { STACKYARD_URL: server.url, STACKYARD_TOKEN: 'x' };
  expect(await cli('cluster get x', env)).toEqual({ code: 7, out: '', err: '✗ Refused: There is no cluster x.\n' });
  expect(await cli('service restart zookeeper --cluster demo --yes', env)).toEqual({
    code: 1,
    out: '',
    err: '✗ Refused:\n  tickTime is 50; it must be at least 100.  at /config/zoo.cfg/tickTime\n  Host zk9 is not in the cluster.\n',
  });
  expect(await cli('cluster remove-host demo zk1', env)).toEqual({
    code: 6,
    out: '',
    err: '✗ Refused: zk1 is used.\n  at /host\n',
  });
});

test('every POST has an Idempotency-Key of its own', async () => {
  await using server = await httpServer((_, response) => sendJson(response, 201, cluster));
  const env = { STACKYARD_URL: server.url, STACKYARD_TOKEN: 'x' };
  await cli('cluster create a', env);
  await cli('cluster create b', env);
  await cli('api POST /clusters --data {"name":"c"}', env);
  const keys = server.asked.map(({ headers }) => headers['idempotency-key']);
  expect(new Set(keys).size).toBe(3);
  expect(keys.every((key) => typeof key === 'string' && key.length === 36)).toBe(true);
});

test('nothing changes where nobody can be asked and nobody said yes', async () => {
  const plan = {
    title: 'Stop zookeeper',
    tasks: [{ index: 0, host: 'zk1', service: 's', component: 'c', phase: 'stop', runsCode: false }],
    edges: [],
    files: [],
    restarts: [],
    hosts: ['zk1'],
    joiningHosts: [],
    reasons: {},
    leaving: [],
    returning: [],
    osPackages: [],
    profiles: [],
    java: [],
    danger: null,
    added: [],
    removed: [],
    warnings: [],
    skipped: [],
  };
  await using server = await httpServer((_, response) => sendJson(response, 201, { id: 'p1', plan }));
  const { code, err } = await cli('service stop zookeeper --cluster demo', {
    STACKYARD_URL: server.url,
    STACKYARD_TOKEN: 'x',
  });
  expect(code).toBe(2);
  expect(err).toContain('Stop zookeeper\n\n  1 task on 1 host: stop ×1\n');
  expect(err).toContain('Nothing was changed: nobody can be asked here. Say --yes to run it.');
  expect(server.asked.map(({ url }) => url)).toEqual(['/api/v1/clusters/demo/plans']);
});

test('a profile is asked for by its word, as is a recommendation for it', async () => {
  await using server = await httpServer((_, response) =>
    sendJson(response, 422, { code: 'PLAN_REFUSED', title: 'No', status: 422, detail: 'Not now.' }),
  );
  const env = { STACKYARD_URL: server.url, STACKYARD_TOKEN: 'x' };
  await cli('service add kafka --profile small --on kafka_client=h1 -c demo', env);
  await cli('service recommend kafka hdfs --profile small -c demo', env);
  expect(server.asked.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
    { command: 'add', services: [{ service: 'kafka', profile: 'small', components: { kafka_client: ['h1'] } }] },
    { services: ['kafka', 'hdfs'].map((service) => ({ service, profile: 'small' })) },
  ]);
});

test('the environment wins over the stored context; the store is private', async () => {
  await using one = await httpServer((_, response) =>
    sendJson(response, 200, { items: [{ ...cluster, name: 'one' }], nextCursor: null }),
  );
  await using two = await httpServer((_, response) =>
    sendJson(response, 200, { items: [{ ...cluster, name: 'two' }], nextCursor: null }),
  );
  const tokenFile = join(dir, 'token');
  await writeFile(tokenFile, 'syk_stored\n');
  expect((await cli(`context set one --url ${one.url} --token-file ${tokenFile}`)).code).toBe(0);
  expect((await cli('cluster list -o name')).out).toBe('one\n');
  expect(one.asked[0]?.headers.authorization).toBe('Bearer syk_stored');
  expect((await cli('cluster list -o name', { STACKYARD_URL: two.url, STACKYARD_TOKEN: 'x' })).out).toBe('two\n');
  expect((await cli('context list -o json')).out).not.toContain('syk_');
  expect((await stat(join(dir, 'stackyard/config.yaml'))).mode & 0o777).toBe(0o600);
  expect((await cli('context use nope')).code).toBe(7);
  expect((await cli('context remove one')).code).toBe(0);
  expect((await cli('cluster list')).code).toBe(4);
});

test('exit codes say what kind of failure it was', () => {
  expect([401, 403, 404, 409, 410, 412, 422, 428, 500].map(exitCodeOf)).toEqual([4, 4, 7, 6, 6, 6, 1, 6, 1]);
  expect(['SUCCESSFUL', 'FAILED', 'CANCELED'].map(exitCodeOfJob)).toEqual([0, 5, 3]);
});

test('completion scripts know the nouns, their verbs and the options of these', async () => {
  const { out } = await cli('completion bash');
  expect(out).toContain('words="demo server agent fleet cluster host service');
  expect(out).toContain('job) words="list get watch logs cancel resume retry"');
  expect(out).toMatch(/"config set"\) words="[^"]*--unset/);
  expect((await cli('completion fish')).out).toContain(
    "complete -c stackyard -n __fish_use_subcommand -f -a cluster -d 'hosts and services that belong together'",
  );
});
