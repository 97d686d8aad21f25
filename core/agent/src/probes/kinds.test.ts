import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Probe } from '@stackyard/sdk/manifest';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Definition } from '../phases/context.ts';
import { until } from '../processes/testing.ts';
import { ExecProbes } from './exec.ts';
import { ask } from './probe.ts';

let server: Server;
let port: number;
let dir: string;
let metrics = '';
const definition = {
  inputs: {
    self: { address: '127.0.0.1', root: '/nowhere', local: true },
    values: {},
    instances: {},
    imports: {},
    facts: {},
  },
  service: { name: 's', user: 's', configs: [], components: [], packages: [] },
  component: {},
} as unknown as Definition;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'stackyard-probe-'));
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    if (url.pathname === '/metrics') return void response.end(metrics);
    const known = url.searchParams.get('qry') === 'Hadoop:service=NameNode,name=FSNamesystem';
    response.end(JSON.stringify({ beans: known ? [{ name: 'x', 'tag.HAState': 'active', Blocks: 0 }] : [] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as { port: number }).port;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(dir, { recursive: true });
});

async function answer(probe: Probe, programs?: ExecProbes): Promise<string> {
  const options = { processAlive: () => true, timeoutMs: 2_000, ...(programs ? { programs } : {}) };
  const { ok, value, message } = await ask(definition, probe, options);
  return `${ok}${value === undefined ? '' : ` ${JSON.stringify(value)}`}: ${message.replaceAll(String(port), 'PORT')}`;
}

const jmx = (bean: string, attribute: string, expected?: string | number): Probe => ({
  kind: 'jmx',
  port: { literal: port },
  path: '/jmx',
  bean,
  attribute,
  ...(expected === undefined ? {} : { expect: expected }),
});
const metric = (name: string, bounds: { min?: number; max?: number } = {}): Probe => ({
  kind: 'metric',
  port: { literal: port },
  path: '/metrics',
  metric: name,
  ...bounds,
});
const shell = (script: string, timeoutMs = 10_000, env: Record<string, string> = {}): Probe => ({
  kind: 'exec',
  program: { literal: '/bin/sh' },
  args: [{ literal: '-c' }, { literal: script }],
  env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, { literal: value }])),
  timeoutMs,
});

test('a label of the sample above 0 is what a component says it is', async () => {
  metrics = 'state{state="leader"} 0\nstate{state="follower",x="y"} 1\nother 1\n';
  const label = (name: string): Probe => ({ ...metric(name), label: 'state' }) as Probe;
  expect(await answer(label('state'))).toMatch(/^true "follower": state of state of http:.* is follower\.$/);
  expect(await answer(label('other'))).toContain('has no sample above 0 with a label state.');
  expect(await answer(label('state{state="leader"}'))).toMatch(/^false/);
});

test('an attribute of a bean is looked up at a JMX servlet', async () => {
  const bean = 'Hadoop:service=NameNode,name=FSNamesystem';
  expect(await answer(jmx(bean, 'tag.HAState'))).toMatch(/^true "active": tag.HAState of http:/);
  expect(await answer(jmx(bean, 'Blocks', 0))).toMatch(/^true 0:/);
  expect(await answer(jmx(bean, 'tag.HAState', 'standby'))).toContain('is "active" instead of "standby".');
  expect(await answer(jmx(bean, 'toString'))).toContain('has no toString.');
  expect(await answer(jmx('other', 'x'))).toMatch(/^false: .* knows no such bean\.$/);
});

test('every sample that a metric selects has to be within its bounds', async () => {
  metrics = [
    '# HELP up Whether it is up',
    'up 1',
    'upper 0',
    'lag{topic="a",partition="0"} 3',
    'lag{topic="a",partition="1"} 1.5e3 1700000000000',
    'lag{topic="b, \\"c\\"",partition="0"} 7',
    'broken NaN',
    'endless +Inf',
    '',
  ].join('\n');
  expect(await answer(metric('up', { min: 1, max: 1 }))).toBe('true 1: up of http://127.0.0.1:PORT/metrics is 1.');
  expect(await answer(metric('lag', { max: 2_000 }))).toContain('has 3 samples, all within bounds.');
  expect(await answer(metric('lag', { max: 10 }))).toContain(
    'is 1500 (topic="a", partition="1"); it must be at most 10.',
  );
  expect(await answer(metric('lag{topic="a", partition="0"}', { max: 10 }))).toMatch(/^true 3:/);
  expect(await answer(metric('lag{topic="b, \\"c\\""}', { min: 8 }))).toMatch(/^false 7:.*at least 8\.$/);
  expect(await answer(metric('broken', { min: 0 }))).toMatch(/^false: broken of .* is NaN/);
  expect(await answer(metric('endless', { max: 5 }))).toMatch(/^false: endless of .* is Infinity/);
  expect(await answer(metric('missing'))).toContain('has no sample of missing.');
  expect(await answer(metric('lag{topic='))).toContain('is no metric');
});

test('a program answers by its end; nothing that it is given is in the message', async () => {
  expect(await answer(shell('echo fine'))).toBe('true: sh ended with 0. It says: fine');
  const failed = await answer(
    shell('test "$TOKEN" = hunter2 && echo "no quorum" >&2; exit 3', 10_000, { TOKEN: 'hunter2' }),
  );
  expect(failed).toBe('false: sh ended with 3. Its output ends with: no quorum');
  expect(await answer({ ...shell(''), program: { literal: '/no/such' } } as Probe)).toContain('such could not be run');
});

test('a program that does not end in time is killed with all that it started', async () => {
  const file = join(dir, 'pids');
  const said = await answer(shell(`sleep 300 & echo $! $$ > ${file}; wait`, 300));
  expect(said).toContain('did not end within 300 ms');
  const pids = readFileSync(file, 'utf8').trim().split(' ').map(Number);
  const isThere = (pid: number): boolean => {
    try {
      return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
    } catch {
      return false;
    }
  };
  await until('both are gone', () => !pids.some(isThere));
});

test('what a program leaves running holds nobody up, and ends with it', async () => {
  const file = join(dir, 'pid');
  expect(await answer(shell(`sleep 300 & echo $! > ${file}; echo done`))).toBe('true: sh ended with 0. It says: done');
  const pid = readFileSync(file, 'utf8').trim();
  await until('it is gone', () => {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
    } catch {
      return true;
    }
  });
});

test('a program is run once for all who ask in an interval, never beside itself, and anew for another process', async () => {
  const runs = join(dir, 'runs');
  writeFileSync(runs, '');
  const count = (): number => readFileSync(runs, 'utf8').length;
  const programs = new ExecProbes(60_000);
  const probe = shell(`printf x >> ${runs}; sleep 0.1`);
  const same = await Promise.all([answer(probe, programs), answer(probe, programs)]);
  expect(new Set(same).size).toBe(1);
  await answer(probe, programs);
  expect(count()).toBe(1);
  const early = answer(probe, programs);
  programs.forget();
  const [, late] = await Promise.all([early, answer(probe, programs)]);
  expect(late).toBe('true: sh ended with 0.');
  expect(count()).toBe(2);
});
