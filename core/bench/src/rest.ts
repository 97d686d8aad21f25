import { fileURLToPath } from 'node:url';
import { type Report, figureOf, quantile } from './figures.ts';
import { Api } from './world/api.ts';
import { startChild } from './world/children.ts';
import type { World } from './world/world.ts';

const ROUNDS = 5;
const REQUESTS = 400;
const CONNECTIONS = [1, 16];

interface Target {
  readonly name: string;
  readonly api: (connections: number) => Api;
  readonly path: string;
}

/** Reads over connections that stay open, beside a bare server of `node:http` in the same rounds. */
export async function benchRest(world: World, { cluster, report }: { cluster: string; report: Report }): Promise<void> {
  const own = (connections: number) => world.newApi(world.server.ready.url, { connections });
  const targets: Target[] = [
    { name: 'GET /jobs?limit=50', api: own, path: '/api/v1/jobs?limit=50' },
    { name: 'GET /clusters/{cluster}/components', api: own, path: `/api/v1/clusters/${cluster}/components` },
    { name: 'GET /server', api: own, path: '/api/v1/server' },
  ];
  const helloMain = fileURLToPath(new URL('./anchors/helloMain.ts', import.meta.url));
  const body = await world.api.text('GET', '/api/v1/server');
  const hello = await startChild<{ url: string }>({
    args: [helloMain, body],
    cwd: world.dir,
    logFile: `${world.dir}/hello.log`,
  });
  try {
    const bare = (connections: number) => new Api(hello.ready.url, '', { connections });
    const all = [...targets, { name: 'bare node:http', api: bare, path: '/' }];
    for (const connections of CONNECTIONS) {
      const results = await measure(all, connections);
      const bareRates = results.at(-1)!.rates;
      all.forEach(({ name }, index) => {
        const { times, rates } = results[index]!;
        const title = `${name}, ${connections} connection${connections > 1 ? 's' : ''}`;
        const sorted = times.toSorted((a, b) => a - b);
        report({
          ...figureOf({ name: title, unit: 'ms' }, times),
          max: quantile(sorted, 0.99),
          name: `${title} (max: p99)`,
        });
        report(figureOf({ name: `${title}, requests`, unit: '/s' }, rates));
        if (index < targets.length) {
          const ratios = rates.map((rate, round) => rate / bareRates[round]!);
          report(figureOf({ name: `${title}, requests by those of the bare server`, unit: 'ratio' }, ratios));
        }
      });
    }
  } finally {
    await hello.end();
  }
}

/** Every target once per round, so that all of them have the same machine. */
async function measure(
  targets: readonly Target[],
  connections: number,
): Promise<{ times: number[]; rates: number[] }[]> {
  const results = targets.map(() => ({ times: [] as number[], rates: [] as number[] }));
  const apis = targets.map(({ api }) => api(connections));
  try {
    for (let round = -1; round < ROUNDS; round++) {
      for (const [index, { path }] of targets.entries()) {
        const { times, seconds } = await loop(apis[index]!, path, connections);
        // The first round warms connections, caches and the compiler up.
        if (round < 0) continue;
        results[index]!.times.push(...times);
        results[index]!.rates.push(times.length / seconds);
      }
    }
    return results;
  } finally {
    for (const api of apis) api.close();
  }
}

async function loop(api: Api, path: string, connections: number): Promise<{ times: number[]; seconds: number }> {
  const times: number[] = [];
  let left = REQUESTS;
  const begin = performance.now();
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      const sent = performance.now();
      await api.text('GET', path);
      times.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
  return { times, seconds: (performance.now() - begin) / 1000 };
}
