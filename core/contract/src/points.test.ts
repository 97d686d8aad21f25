import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import * as contract from './index.ts';

const readme = readFileSync('README.md', 'utf8');
const examples = [...readme.matchAll(/```ts point\n(.*?)```/gs)].map(([, code = '']) => code);
// Inside the checkout, so that the examples find its packages as a plugin does.
const scratch = join('reports', `points-${process.pid}`);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('every token and point of the contract has an example', () => {
  const tokens = Object.entries(contract).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null && 'kind' in value && 'id' in value ? [name] : [],
  );
  expect(tokens.length).toBeGreaterThan(5);
  expect(tokens.filter((name) => !examples.some((code) => new RegExp(`\\b${name}\\b`).test(code)))).toEqual([]);
});

test('the examples compile, start, do what they say, and stop', () => {
  mkdirSync(scratch, { recursive: true });
  writeFileSync(join(scratch, 'package.json'), '{ "type": "module" }');
  const compilerOptions = { composite: false, noEmit: true };
  const config = { extends: '../../../../tsconfig.base.json', compilerOptions };
  writeFileSync(join(scratch, 'tsconfig.json'), JSON.stringify(config));
  examples.forEach((code, at) => writeFileSync(join(scratch, `example${at}.ts`), code));
  const { error, stdout } = spawnSync('tsc', ['-p', scratch], { encoding: 'utf8' });
  expect(error).toBeUndefined();
  expect(stdout.split('\n').filter((line) => line.includes('points-'))).toEqual([]);

  writeFileSync(join(scratch, 'run.ts'), world);
  const flags = ['--conditions=@stackyard/source', join(scratch, 'run.ts')];
  expect(execFileSync(process.execPath, flags, { encoding: 'utf8' })).toMatchInlineSnapshot(`
    "A cluster cluster,services
    Hosts may join server,authoritySha256
    sent https://hooks.example.org/hosts
    Pulse agentsConnected,plugins,at
    kept ["teller.position","host",{"after":7}]
    /word
    no longer followed
    "
  `);
}, 60_000);

/** A platform of fakes that tells what the plugins did. */
const world = `
import { Clusters, Egress, Events, HostJoining, Records, Routes, ServerStats } from '@stackyard/contract';
import { createKernel, definePlugin, each, Logger } from '@stackyard/kernel';
const plugins = await Promise.all([${examples.map((_, at) => `import('./example${at}.ts')`).join(', ')}]);
const say = (...words: unknown[]) => console.log(...words);
const log = { info: (fields: object, text: string) => say(text, Object.keys(fields).join()), debug() {}, child: () => log };
const reader = definePlugin({
  id: 'reader',
  needs: [each(Routes)],
  start: (plugin) => say(plugin.resolve(each(Routes)).flatMap(({ routes }) => routes).map(({ url }) => url).join()),
});
async function* follow({ signal }: { signal: AbortSignal }) {
  yield { id: 7, payload: { kind: 'host' } };
  await new Promise((done) => signal.addEventListener('abort', done));
  say('no longer followed');
}
const kernel = await createKernel()
  .value(Logger, log as never)
  .value(Clusters, { list: async () => [{ name: 'demo', services: [{ name: 'cache' }] }] } as never)
  .value(Events, { follow } as never)
  .value(Egress, { post: async ({ url }: { url: string }) => say('sent', url) } as never)
  .value(Records, { get: async () => undefined, put: async (...all: unknown[]) => say('kept', JSON.stringify(all)) } as never)
  .value(HostJoining, { terms: () => ({ server: 's:1', authoritySha256: 'ab' }) } as never)
  .value(ServerStats, { snapshot: () => ({ agentsConnected: 3 }) } as never)
  .load(...plugins.map((each) => each.default), reader)
  .start();
await new Promise((done) => setImmediate(done));
await kernel.stop();
`;
