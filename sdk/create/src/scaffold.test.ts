import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildStack } from '@stackyard/sdk/build';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nextSteps } from './nextSteps.ts';
import { scaffold } from './scaffold.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../../..');
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-create-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function scaffolded(name: string): Promise<string> {
  const { folder } = await scaffold({ name, folder: join(dir, 'new') });
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

test('a scaffold is a stack that builds, under its own name', async () => {
  const { manifest } = await buildStack(await scaffolded('@acme/val-key'));
  expect(manifest).toMatchObject({ name: '@acme/val-key', version: '0.1.0', title: 'Val Key' });
  expect(manifest.services[0]).toMatchObject({ name: 'val-key', user: 'val-key', title: 'Val Key' });
});

test('its own tests and its types are right', async () => {
  const folder = await scaffolded('valkey');
  const bin = (name: string): string => join(root, 'node_modules/.bin', name);
  const conditions = { ...process.env, NODE_OPTIONS: '--conditions=@stackyard/source' };
  await writeFile(
    join(folder, 'vitest.config.ts'),
    `export default { resolve: { conditions: ['@stackyard/source'] }, ssr: { resolve: { conditions: ['@stackyard/source'] } } };\n`,
  );
  const { stdout } = await run(bin('vitest'), ['run', '--no-color'], { cwd: folder, env: conditions });
  expect(stdout).toMatch(/Tests +\d+ passed/);
  await run(bin('tsc'), ['--noEmit', '--customConditions', '@stackyard/source'], { cwd: folder });
});

test('nothing of the example is left in it', async () => {
  const { folder, files } = await scaffold({ name: 'valkey', folder: join(dir, 'new') });
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  expect(texts.join('\n').match(/.*hello.*/gi)).toBe(null);
  expect(files).toEqual([
    '.gitignore',
    'README.md',
    'package.json',
    'src/index.ts',
    'src/valkey.test.ts',
    'tsconfig.json',
  ]);
});

test('the author reads what is there and what to do next', async () => {
  const written = await scaffold({ name: 'valkey', folder: join(dir, 'new') });
  expect(nextSteps(written, dir)).toContain('@stack/valkey is begun in new:');
  expect(nextSteps(written, dir)).toContain('  cd new\n  npm install');
  expect(nextSteps(written, join(dir, 'new'))).not.toContain('cd ');
});

test.each(['', 'Val', '9lives', '../up', 'a b', '@acme', '@acme/', '@a/b/c', 'x'.repeat(60)])(
  'the name %j is refused, and nothing is written',
  async (name) => {
    await expect(scaffold({ name, folder: join(dir, 'new') })).rejects.toThrow('cannot be the name of a stack');
    expect(await readdir(dir)).toEqual([]);
  },
);

test('a folder that holds something is refused and left as it is; a fresh repository is not', async () => {
  const folder = join(dir, 'new');
  await mkdir(join(folder, '.git'), { recursive: true });
  await writeFile(join(folder, 'notes'), 'mine');
  await expect(scaffold({ name: 'valkey', folder })).rejects.toThrow(`${folder} is not empty`);
  expect(await readdir(folder)).toEqual(['.git', 'notes']);
  await rm(join(folder, 'notes'));
  expect((await scaffold({ name: 'valkey', folder })).files).toHaveLength(6);
});

test('the command says what is wrong by its exit code and one sentence', async () => {
  const bin = join(import.meta.dirname, '../bin/create-stackyard-stack.mjs');
  const create = (...args: string[]) =>
    run(process.execPath, [bin, ...args], { cwd: dir }).then(
      ({ stdout }) => ({ code: 0, text: stdout }),
      ({ code, stderr }: { code: number; stderr: string }) => ({ code, text: stderr }),
    );
  expect(await create()).toMatchObject({ code: 2, text: expect.stringContaining('Usage: npm create stackyard-stack') });
  expect(await create('--wrong')).toMatchObject({ code: 2 });
  expect(await create('Valkey')).toMatchObject({ code: 1, text: expect.stringContaining('lower-case') });
  expect(await create('valkey')).toMatchObject({ code: 0, text: expect.stringContaining('npm run dev') });
  expect(await readdir(dir)).toEqual(['valkey']);
});
