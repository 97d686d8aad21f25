import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');

test('the snippet of the README prints what it says', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stackyard-readme-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const readme = await readFile(join(root, 'stacks/kafka/README.md'), 'utf8');
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'snippet.mts'), /```ts\n(.*?)```/s.exec(readme)?.[1] ?? '');
  const child = spawn(process.execPath, ['--conditions=@stackyard/source', join(folder, 'snippet.mts')], { cwd: root });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  await once(child, 'close');
  expect(said.trim()).toBe('node.id=2');
});
