import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { freePort, until, World } from './world.ts';

/** A real Prometheus that finds real agents' components through the server, and rules that the command line keeps. */
let world: World;
let prometheus: ChildProcess | undefined;
let prometheusUrl: string;
let rulesDir: string;
let said = '';

beforeAll(async () => {
  world = await World.start({ stacks: ['core/cli/e2e/fixtures/metered'], hosts: ['h1', 'h2'] });
  await world.api.post('/clusters', { name: 'metrics', hosts: ['h1', 'h2'] });
  const services = [{ service: 'metered', components: { meter: ['h1', 'h2'] } }];
  const { id, state } = await world.api.run('metrics', { command: 'add', services });
  if (state !== 'SUCCESSFUL') throw new Error(await world.api.story(id));
  rulesDir = join(world.dir, 'rules');
  await startPrometheus();
}, 180_000);

afterAll(async () => {
  if (prometheus && prometheus.exitCode === null) {
    prometheus.kill('SIGKILL');
    await once(prometheus, 'exit');
  }
  await world?.close();
});

interface Documented {
  readonly scrape_configs: readonly {
    readonly http_sd_configs: readonly { readonly url: string; readonly authorization: object }[];
  }[];
}

/** The discovery as the plugin's page tells operators to write it: what is scraped here proves that page. */
async function documented(): Promise<Documented> {
  const page = await readFile(new URL('../../../plugins/prometheus/README.md', import.meta.url), 'utf8');
  const block = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].find(([, text]) => text!.includes('http_sd_configs'));
  return parse(block?.[1] ?? '') as Documented;
}

async function startPrometheus(): Promise<void> {
  const port = await freePort();
  prometheusUrl = `http://127.0.0.1:${port}`;
  await mkdir(rulesDir, { recursive: true });
  const file = join(world.dir, 'prometheus.yml');
  const token = join(world.dir, 'prometheus.token');
  await writeFile(token, world.api.token, { mode: 0o600 });
  const { scrape_configs } = await documented();
  const [job] = scrape_configs;
  const [discovery] = job!.http_sd_configs;
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [join(rulesDir, 'stackyard.*.yml')],
    scrape_configs: [
      {
        ...job,
        http_sd_configs: [
          {
            ...discovery,
            url: `${world.api.url}/api/v1/prometheus/targets?cluster=metrics`,
            refresh_interval: '1s',
            authorization: { ...discovery!.authorization, credentials_file: token },
          },
        ],
      },
    ],
  };
  await writeFile(file, stringify(config), { mode: 0o600 });
  prometheus = spawn(
    'prometheus',
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(world.dir, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-lifecycle',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  prometheus.on(
    'error',
    (error) => (said += `prometheus is missing. Install the package "prometheus". ${error.message}`),
  );
  for (const stream of [prometheus.stdout, prometheus.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (said += text));
  await until('Prometheus is ready', async () => {
    if (prometheus?.exitCode !== null || said.includes('is missing')) throw new Error(said);
    return fetch(`${prometheusUrl}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  });
}

async function ask<T>(path: string): Promise<T> {
  const answer = (await (await fetch(`${prometheusUrl}/api/v1/${path}`)).json()) as { data: T };
  return answer.data;
}

interface Target {
  readonly health: string;
  readonly scrapeUrl: string;
  readonly labels: Readonly<Record<string, string>>;
}
const targets = async () => (await ask<{ activeTargets: Target[] }>('targets?state=active')).activeTargets;

interface Alert {
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}
const firing = async () => (await ask<{ alerts: Alert[] }>('alerts')).alerts.filter(({ state }) => state === 'firing');

test('components are found and scraped, with the labels of their place', async () => {
  let seen = '';
  await until('both targets are up', async () => {
    const found = await targets();
    seen = JSON.stringify(found);
    return found.length === 2 && found.every(({ health }) => health === 'up');
  }).catch(async (error: Error) => {
    const served = await world.api.text('/api/v1/prometheus/targets?cluster=metrics');
    throw new Error(`${error.message}\nIt sees ${seen}\nThe server gives ${served}\n${said.slice(-2_000)}`);
  });
  const [first] = (await targets()).toSorted((a, b) => (a.labels['host']! < b.labels['host']! ? -1 : 1));
  const address = `${world.host('h1').address}:7411`;
  expect(first?.scrapeUrl).toBe(`http://${address}/metrics`);
  expect(first?.labels).toEqual({
    cluster: 'metrics',
    service: 'metered',
    component: 'meter',
    host: 'h1',
    stack_version: '1.0.0',
    instance: address,
    job: 'stackyard-components',
  });
  const { result } = await ask<{ result: { value: [number, string] }[] }>(
    `query?query=${encodeURIComponent('metered_answer{cluster="metrics",host="h1"}')}`,
  );
  expect(result.map(({ value }) => value[1])).toEqual(['42']);
});

test('rules are kept by the command line; what a stack must not ask of Prometheus is left out and told', async () => {
  const dashboards = join(world.dir, 'dashboards');
  const args = ['monitoring', 'sync', '--rules-dir', rulesDir, '--dashboards-dir', dashboards];
  const sync = () => world.command([...args, '--reload-url', `${prometheusUrl}/-/reload`]);
  const first = await sync();
  expect(first.output).toMatch(/metrics\/metered MeterCurious: .*query/);
  expect(first.code).toBe(1);
  expect(first.output).toContain('reloaded');
  const rules = await readFile(join(rulesDir, 'stackyard.metrics.metered.yml'), 'utf8');
  expect([...rules.matchAll(/alert: (\w+)/g)].map(([, alert]) => alert)).toEqual(['MeterDown']);
  expect((await sync()).output).not.toMatch(/wrote|reloaded/);
  const [name] = await readdir(dashboards);
  expect(name).toMatch(/^stackyard\.metrics\.metered\.stackyard-[0-9a-f]{24}\.json$/);
  expect(JSON.parse(await readFile(join(dashboards, name!), 'utf8'))).toMatchObject({ title: 'Meters' });
});

test('an alert fires for the component that stopped, and for no other', async () => {
  const { state } = await world.api.run('metrics', {
    command: 'stop',
    target: { service: 'metered', component: 'meter', hosts: ['h1'] },
  });
  expect(state).toBe('SUCCESSFUL');
  await until('the alert fires', async () => (await firing()).length > 0);
  const found = await firing();
  expect(found.map(({ labels, annotations }) => ({ labels, summary: annotations['summary'] }))).toEqual([
    {
      labels: {
        alertname: 'MeterDown',
        severity: 'critical',
        cluster: 'metrics',
        service: 'metered',
        component: 'meter',
        host: 'h1',
        stack_version: '1.0.0',
        instance: `${world.host('h1').address}:7411`,
        job: 'stackyard-components',
      },
      summary: 'The meter on h1 does not answer',
    },
  ]);
});
