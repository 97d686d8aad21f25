import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** Plugins are loaded in a process of its own, as in a server: what resolves imports there cannot be taken back. */
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-plugins-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const plugin = (id: string) =>
  `import { definePlugin } from '@stackyard/kernel';\nexport default definePlugin({ id: '${id}' });\n`;
const root = join(import.meta.dirname, '../../../..');

/** Writes a package, in a folder above which nothing of ours is installed. */
async function packageIn(folder: string, code: string, more: object = {}): Promise<string> {
  const manifest = {
    name: folder.split('/').at(-1),
    version: '2.1.0',
    type: 'module',
    exports: './main.js',
    peerDependencies: { '@stackyard/contract': '^0.1.0' },
    stackyard: { kind: 'plugin' },
    ...more,
  };
  await mkdir(join(dir, folder), { recursive: true });
  await writeFile(join(dir, folder, 'package.json'), JSON.stringify(manifest));
  await writeFile(join(dir, folder, 'main.js'), code);
  return join(dir, folder);
}

/** What a server would load, leaving out these or those. */
async function load(references: readonly string[], ...withouts: (readonly string[])[]): Promise<string> {
  const code = `
    import { isPlugin } from '@stackyard/kernel';
    import { loadServerPlugins } from ${JSON.stringify(join(import.meta.dirname, 'plugins.ts'))};
    for (const without of ${JSON.stringify(withouts.length === 0 ? [[]] : withouts)})
      try {
        const options = { dataDir: ${JSON.stringify(join(dir, 'data'))}, without };
        for (const { plugin, found } of await loadServerPlugins(${JSON.stringify(references)}, options))
          console.log(plugin.id, found.name, found.version, isPlugin(plugin) ? 'is loaded' : 'is none');
      } catch (error) { console.log(error.name + ': ' + error.message); }`;
  const args = ['--conditions=@stackyard/source', '--input-type=module-typescript', '--eval', code];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: join(root, 'core/cli') });
  return stdout.replaceAll(dir, 'DIR').trim();
}

test('plugins are found in folders, in the data directory and beside the server', async () => {
  const folder = await packageIn('own', plugin('own'));
  await packageIn('data/plugins/node_modules/stackyard-plugin-a', plugin('a'));
  await packageIn('data/plugins/plain', plugin('plain'), { exports: undefined, main: 'main.js' });
  expect(await load([folder, 'stackyard-plugin-a', 'plain', '@stackyard/plugin-prometheus'])).toBe(
    [
      'own own 2.1.0 is loaded',
      'a stackyard-plugin-a 2.1.0 is loaded',
      'plain plain 2.1.0 is loaded',
      'prometheus @stackyard/plugin-prometheus 0.1.0 is loaded',
    ].join('\n'),
  );
});

test('a plugin that has copies of its own of the kernel and the contract gets those of the host all the same', async () => {
  const code = `import * as kernel from '@stackyard/kernel';\nimport * as contract from '@stackyard/contract';
    if (kernel.copy || contract.copy) throw new Error('This is my own copy.');
    export default kernel.definePlugin({ id: 'doubled', needs: [kernel.each(contract.Routes)] });`;
  const folder = await packageIn('doubled', code);
  for (const name of ['@stackyard/kernel', '@stackyard/contract']) {
    const own = join(folder, 'node_modules', name, 'index.js');
    await mkdir(dirname(own), { recursive: true });
    await writeFile(own, 'export const copy = true;');
    await writeFile(
      join(dirname(own), 'package.json'),
      JSON.stringify({ name, type: 'module', exports: './index.js' }),
    );
  }
  expect(await load([folder])).toBe('doubled doubled 2.1.0 is loaded');
});

test('everything that is wrong with the plugins is told at once, each by its name', async () => {
  const later = { peerDependencies: { '@stackyard/contract': '^9.0.0' } };
  const references = [
    await packageIn('made-for-later', plugin('x'), later),
    await packageIn('says-nothing', plugin('x'), { peerDependencies: {} }),
    await packageIn('no-plugin', plugin('x'), { stackyard: { kind: 'stack' } }),
    await packageIn('throws', `throw new Error('I cannot.');`),
    await packageIn('exports-nothing', 'export const x = 1;'),
    join(dir, 'nowhere'),
    'not-installed',
    'no/name',
  ];
  const said = await load(references);
  for (const sentence of [
    '"made-for-later" 2.1.0 is made for @stackyard/contract ^9.0.0, and this server has 0.1.0. Use a version of the plugin that fits.',
    '"says-nothing" 2.1.0 does not say which contract it is made for. Add @stackyard/contract to its peerDependencies, such as "^0.1.0".',
    '"DIR/no-plugin" is no platform plugin: its package.json has no "stackyard": { "kind": "plugin" }.',
    '"DIR/throws" could not be imported: I cannot.',
    '"DIR/exports-nothing" has no default export.',
    'There is no plugin in DIR/nowhere: it has no package.json.',
    '"not-installed" is not installed. Install it by "npm install --prefix DIR/data/plugins not-installed"',
    '"no/name" is neither the name of a package nor a folder, which starts with / or ./.',
    'The server starts without one of them by --without-plugin DIR/made-for-later.',
  ])
    expect(said).toContain(sentence);
});

test('a plugin is left out by folder, package or id, and one that is not there is told', async () => {
  const good = await packageIn('good', plugin('the-good'));
  const bad = await packageIn('bad', `throw new Error('I cannot.');`);
  const said = await load([good, bad], [bad], ['bad'], ['bad', 'the-good'], ['bad', 'other']);
  expect(said.split('\n')).toEqual([
    'the-good good 2.1.0 is loaded',
    'the-good good 2.1.0 is loaded',
    'CliError: There is no plugin other to leave out. Configured: DIR/good, DIR/bad.',
  ]);
});
