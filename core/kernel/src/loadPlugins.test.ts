import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadPlugins } from './loadPlugins.ts';
import { definePlugin } from './plugin.ts';

const [a, b, c] = ['a', 'b', 'c'].map((id) => definePlugin({ id }));
const packages: Readonly<Record<string, unknown>> = {
  one: { default: a },
  many: { default: [b, c] },
  'none-in-list': { default: [] },
  'no-default': { a },
  'not-a-plugin': { default: { id: 'looks-like-one', register() {} } },
};
const importer = async (name: string): Promise<unknown> => {
  if (name in packages) return packages[name];
  throw Object.assign(new Error(`Cannot find package '${name}' imported from /app`), { code: 'ERR_MODULE_NOT_FOUND' });
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'plugins-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a package brings one plugin or a list of them', async () => {
  expect(await loadPlugins(['many', 'one'], importer)).toEqual([b, c, a]);
  expect(await loadPlugins([], importer)).toEqual([]);
});

test('all packages that cannot be loaded are told at once', async () => {
  const names = ['one', 'absent', 'no-default', 'not-a-plugin', 'none-in-list'];
  await expect(loadPlugins(names, importer)).rejects.toThrowErrorMatchingInlineSnapshot(`
    [PluginLoadError: Configured plugins cannot be loaded: 
    1. "absent" is not installed. Install it, or take it out of the list of plugins.
    2. "no-default" has no default export. Its main file must "export default definePlugin({ … })".
    3. "not-a-plugin" has a default export that is no plugin. Its main file must "export default definePlugin({ … })".
    4. "none-in-list" has a default export that is no plugin. Its main file must "export default definePlugin({ … })".]
  `);
});

test('a plugin built against another copy of the kernel is a plugin, found by name from where the importer stands', async () => {
  const home = join(folder, 'node_modules', 'from-npm');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'), '{"name":"from-npm","type":"module","exports":"./index.js"}');
  writeFileSync(
    join(home, 'index.js'),
    `export default { id: 'from-npm', needs: [], [Symbol.for('@stackyard/kernel.plugin')]: true };`,
  );
  const { resolve } = createRequire(join(folder, 'app.js'));
  const [plugin] = await loadPlugins(['from-npm'], (name) => import(pathToFileURL(resolve(name)).href));
  expect(plugin?.id).toBe('from-npm');
});

test('an error inside a package is told as its own', async () => {
  const broken = () => Promise.reject(new Error("Cannot find package 'prom-client' imported from /app/plugin.js"));
  await expect(loadPlugins(['metrics'], broken)).rejects.toThrow(
    `"metrics" could not be imported: Cannot find package 'prom-client'`,
  );
});
