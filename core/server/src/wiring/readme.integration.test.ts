import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
let dir = '';
afterEach(() => rm(dir, { recursive: true, force: true }));

test('the example of the README runs, on the embedded PostgreSQL, and prints what it says', async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-readme-'));
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const example = (/```ts\n(.*?)```/s.exec(readme)?.[1] ?? '').replace('/tmp/stackyard-server', join(dir, 'data'));
  const promised = /console\.log\(.*\); \/\/ (.*)/.exec(example)?.[1];
  const flags = ['--conditions=@stackyard/source', '--input-type=module-typescript', '--eval', example];
  const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: root, timeout: 120_000 });
  expect(stdout).toBe(`${promised}\n`);
});

test('the README names every folder', async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const folders = (await readdir(join(root, 'src'), { withFileTypes: true })).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).filter((name) => !readme.includes(`\`${name}/\``))).toEqual([]);
});
