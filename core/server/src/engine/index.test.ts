import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const listImports = `
  import { registerHooks } from 'node:module';
  const seen = [];
  registerHooks({ resolve: (name, context, next) => { const found = next(name, context); seen.push(found.url); return found; } });
  await import(process.argv[1]);
  process.stdout.write(JSON.stringify(seen));
`;

test('the pure engine brings neither the database nor the network with it', () => {
  const index = new URL('index.ts', import.meta.url).href;
  const flags = ['--conditions=@stackyard/source', '--input-type=module', '-e', listImports];
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, index], { encoding: 'utf8', timeout: 20_000 });
  const urls: string[] = JSON.parse(stdout || `["${stderr.replaceAll('"', "'")}"]`);
  expect(urls).toContainEqual(expect.stringContaining('engine/core/step.ts'));
  expect(urls.filter((url) => /mikro-orm|grpc|\/pg\/|stackyard\/proto|\/proto\//.test(url))).toEqual([]);
  expect(urls.filter((url) => /node:(?:fs|net|timers)/.test(url))).toEqual([]);
});
