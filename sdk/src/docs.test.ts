import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { buildStack, checkStack } from './build/index.ts';
import { problemsOf } from './reference/declarations.ts';

/**
 * Pages for authors show files: ```ts src/index.ts. Those of a page are one package, which is type-checked, checked,
 * built, and whose tests are run. The tutorial's commands are run by the command line's end-to-end test.
 */
const root = join(import.meta.dirname, '../..');
const docs = join(root, 'sdk/docs');
const scratch = await mkdtemp(join(tmpdir(), 'stackyard-docs-'));
afterAll(() => rm(scratch, { recursive: true, force: true }));

type Files = Readonly<Record<string, string>>;
const pages = (await readdir(docs)).filter((file) => file.endsWith('.md') && file !== 'reference.md').sort();
const filesOf = async (page: string): Promise<Files> => {
  const text = await readFile(join(docs, page), 'utf8');
  // Of a file that is shown twice, the second is the later one.
  return Object.fromEntries(
    [...text.matchAll(/^```\S+ (\S+)\n(.*?)^```$/gms)].map(([, path = '', content = '']) => [path, content]),
  );
};
const packages = new Map(await Promise.all(pages.map(async (page) => [page, await filesOf(page)] as const)));

async function packageOf(page: string): Promise<string> {
  const folder = join(scratch, page);
  for (const [path, content] of Object.entries(packages.get(page) ?? {})) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  const manifest = { name: `@acme/${page.replace('.md', '')}`, version: '1.0.0', type: 'module' };
  const more = { exports: './src/index.ts', stackyard: { kind: 'stack' } };
  await writeFile(join(folder, 'package.json'), JSON.stringify({ ...manifest, ...more }));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

test('there are a tutorial and a page on the language', () => {
  expect(pages).toEqual(['language.md', 'tutorial.md']);
});

for (const page of pages) {
  const folder = await packageOf(page);

  test(`the stack of ${page} compiles`, () => {
    const sources = Object.entries(packages.get(page) ?? {}).filter(([path]) => path.endsWith('.ts'));
    expect(problemsOf(Object.fromEntries(sources))).toEqual([]);
  }, 120_000);

  test(`nothing is wrong in the stack of ${page}, and it can be built`, async () => {
    expect((await checkStack(folder)).problems).toEqual([]);
    expect((await buildStack(folder)).manifest.services).toHaveLength(1);
  }, 120_000);

  test(`the tests of the stack of ${page} pass`, () => {
    const vitest = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--config', join(root, 'vitest.config.ts')];
    const { stdout, stderr } = spawnSync(process.execPath, vitest, {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, TEST_KIND: 'unit', NO_COLOR: '1' },
    });
    expect(stdout + stderr).toMatch(/Tests +[1-9][0-9]* passed \(/);
  }, 120_000);
}
