import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { buildStack } from './build/index.ts';

const root = join(import.meta.dirname, '../..');
const folder = await mkdtemp(join(tmpdir(), 'stackyard-readme-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function snippets(readme: string): Promise<string[]> {
  const text = await readFile(join(root, readme), 'utf8');
  return [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);
}

async function packageOf(name: string, files: Record<string, string>): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, 'src'), { recursive: true });
  await symlink(join(root, 'node_modules'), join(path, 'node_modules'));
  const manifest = { name: `@stack/${name}`, version: '1.0.0', type: 'module', exports: './src/index.ts' };
  await writeFile(join(path, 'package.json'), JSON.stringify({ ...manifest, stackyard: { kind: 'stack' } }));
  for (const [file, content] of Object.entries(files)) await writeFile(join(path, 'src', file), content);
  return path;
}

/** Snippets that begin with the name of their file. */
const files = Object.fromEntries(
  (await snippets('sdk/README.md')).flatMap((code) => {
    const name = /^\/\/ src\/(\S+)\n/.exec(code)?.[1];
    return name === undefined ? [] : [[name, code]];
  }),
);
const cache = await packageOf('cache', files);
// Registers the tests of the README as tests of this file; its stack has no templates to find.
await import(join(cache, 'src', 'cache.test.ts'));

test('the stack of the README can be built', async () => {
  expect((await buildStack(cache)).manifest.title).toBe('Cache');
});

test('the stack of the stacks README can be built', async () => {
  const [clock = ''] = await snippets('stacks/README.md');
  expect((await buildStack(await packageOf('clock', { 'index.ts': clock }))).manifest.title).toBe('Clock');
});
