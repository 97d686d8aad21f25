import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');

test('the snippet of the README prints what it says', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stackyard-readme-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const readme = await readFile(join(root, 'stacks/hadoop/README.md'), 'utf8');
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'snippet.mts'), /```ts\n(.*?)```/s.exec(readme)?.[1] ?? '');
  const args = ['--conditions=@stackyard/source', join(folder, 'snippet.mts')];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  expect(stdout.trim().split('\n')).toEqual(['hdfs://10.0.0.1:8020', 'hdfs://hdfs']);
});
