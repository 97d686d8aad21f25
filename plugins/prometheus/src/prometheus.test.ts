import { spawnSync } from 'node:child_process';
import { Clusters, type Route, type RouteRequest, Routes, ServerStats, type StatsSnapshot } from '@stackyard/contract';
import { createKernel, definePlugin, each, token } from '@stackyard/kernel';
import { register } from 'prom-client';
import { expect, test } from 'vitest';
import prometheus from './index.ts';
import { serverRegistry } from './exposition.ts';

const busy: StatsSnapshot = {
  version: '0.1.0',
  uptimeSeconds: 12.5,
  agentsConnected: 3,
  jobsQueued: 2,
  jobsRunning: 1,
  tasksRunning: 4,
  attemptsEnded: { SUCCESSFUL: 9, FAILED: 1 },
  commits: {
    buckets: [
      { le: 0.001, count: 5 },
      { le: 0.01, count: 7 },
    ],
    sum: 0.25,
    count: 8,
  },
  requests: [
    { method: 'GET', route: '/api/v1/clusters/:cluster', status: 200, count: 6, seconds: 0.03 },
    { method: 'GET', route: 'say "hi"\\', status: 404, count: 1, seconds: 0.001 },
  ],
};

/** Reads the routes that plugins contributed, as the server does. */
const Found = token<readonly Route[]>('test.Found');
const request = {} as RouteRequest<never, never, never>;

async function loaded(stats: ServerStats) {
  const found: Route[] = [];
  const server = definePlugin({
    id: 'test.server',
    needs: [each(Routes)],
    register: (plugin) => plugin.value(Found, found),
    start: (plugin) => void found.push(...plugin.resolve(each(Routes)).flatMap(({ routes }) => routes)),
  });
  const kernel = await createKernel()
    .value(ServerStats, stats)
    .value(Clusters, { list: async () => [] })
    .load(prometheus, server)
    .start();
  return { route: kernel.resolve(Found)[0]!, stop: () => kernel.stop() };
}

async function scrape(stats: ServerStats): Promise<string> {
  const { route, stop } = await loaded(stats);
  try {
    return String((await route.handle(request)).body);
  } finally {
    await stop();
  }
}

test('the server is told as it is at the moment of the scrape', async () => {
  const text = await serverRegistry(busy).metrics();
  const samples = text.split('\n').filter((line) => line && !line.startsWith('#'));
  expect(samples.slice(1).join('\n')).toMatchInlineSnapshot(`
    "stackyard_uptime_seconds 12.5
    stackyard_agents_connected 3
    stackyard_jobs_queued 2
    stackyard_jobs_running 1
    stackyard_tasks_running 4
    stackyard_attempts_ended_total{state="SUCCESSFUL"} 9
    stackyard_attempts_ended_total{state="FAILED"} 1
    stackyard_commit_duration_seconds_bucket{le="0.001"} 5
    stackyard_commit_duration_seconds_bucket{le="0.01"} 7
    stackyard_commit_duration_seconds_bucket{le="+Inf"} 8
    stackyard_commit_duration_seconds_sum 0.25
    stackyard_commit_duration_seconds_count 8
    stackyard_http_requests_total{method="GET",route="/api/v1/clusters/:cluster",status="200"} 6
    stackyard_http_requests_total{method="GET",route="say \\"hi\\"\\\\",status="404"} 1
    stackyard_http_request_duration_seconds_total{method="GET",route="/api/v1/clusters/:cluster",status="200"} 0.03
    stackyard_http_request_duration_seconds_total{method="GET",route="say \\"hi\\"\\\\",status="404"} 0.001"
  `);
  expect(samples[0]).toBe(`stackyard_build_info{version="0.1.0",node="${process.versions.node}"} 1`);
});

test('a scrape reads the server anew, and its process', async () => {
  let agentsConnected = 0;
  const { route, stop } = await loaded({ snapshot: () => ({ ...busy, agentsConnected: ++agentsConnected }) });
  const [first, second] = [await route.handle(request), await route.handle(request)];
  await stop();
  expect(first.body).toContain('\nstackyard_agents_connected 1\n');
  expect(second.body).toContain('\nstackyard_agents_connected 2\n');
  expect(second.body).toMatch(/\nprocess_resident_memory_bytes \d+/);
  expect(second.headers).toEqual({ 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
});

test('the endpoint stands at the root and asks for the permission to read the server', async () => {
  const { route, stop } = await loaded({ snapshot: () => busy });
  await stop();
  expect(route).toMatchObject({
    method: 'GET',
    url: '/metrics',
    root: true,
    permission: { action: 'read', resource: 'server' },
  });
});

test('a server that did nothing yet is told as well', async () => {
  const idle = { ...busy, attemptsEnded: {}, requests: [], commits: { buckets: [], sum: 0, count: 0 } };
  expect(await scrape({ snapshot: () => idle })).toContain('stackyard_commit_duration_seconds_bucket{le="+Inf"} 0');
});

test('nothing is left in the global registry of prom-client', async () => {
  await scrape({ snapshot: () => busy });
  expect(register.getMetricsAsArray()).toEqual([]);
});

const found = spawnSync('promtool', ['--version']).status === 0;
// In CI a missing promtool is a failure of the set-up, so the test runs there and says so.
test.skipIf(!found && process.env['CI'] !== 'true')('promtool has nothing to say about the metrics', async () => {
  expect(found, 'promtool is missing. Install the package "prometheus".').toBe(true);
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: await scrape({ snapshot: () => busy }),
    encoding: 'utf8',
  });
  expect(`${stdout}${stderr}`).toBe('');
  expect(status).toBe(0);
});
