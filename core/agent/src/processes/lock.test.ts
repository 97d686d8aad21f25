import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isLocked, lockHostRoot, takeLock } from './lock.ts';
import { temporaryDirectory, until } from './testing.ts';

let root: ReturnType<typeof temporaryDirectory>;
beforeEach(() => (root = temporaryDirectory('lock')));
afterEach(() => root.remove());

test('a lock is exclusive until it is released, and tells who has it', async () => {
  const file = join(root.path, 'a.lock');
  const lock = await takeLock(file);
  await expect(takeLock(file)).rejects.toMatchObject({ code: 'LOCKED', pid: process.pid });
  expect(await isLocked(file)).toBe(true);
  lock.release();
  lock.release();
  expect(await isLocked(file)).toBe(false);
  (await takeLock(file)).release();
});

test('waiting for a lock gets it when it is free', async () => {
  const file = join(root.path, 'a.lock');
  const first = await takeLock(file);
  const second = takeLock(file, { waitMs: 5_000 });
  setTimeout(() => first.release(), 50);
  (await second).release();
});

test('the second agent of a host root is refused by name, and the kernel frees the lock of a killed one', async () => {
  const here = dirname(fileURLToPath(import.meta.url));
  const script = `
    import { lockHostRoot } from ${JSON.stringify(join(here, 'lock.ts'))};
    import { spawn } from 'node:child_process';
    await lockHostRoot(${JSON.stringify(root.path)});
    const child = spawn('sleep', ['300'], { detached: true, stdio: 'ignore' });
    console.log(child.pid);
    setInterval(() => {}, 1000);`;
  const agent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise((resolve) => agent.on('exit', resolve));
  const childPid = await new Promise<number>((resolve) => agent.stdout.once('data', (text) => resolve(Number(text))));
  try {
    const refused = lockHostRoot(root.path);
    await expect(refused).rejects.toThrow(
      `Another agent, process ${agent.pid}, already manages the host root ${root.path}. Stop it, or give this agent a root directory of its own.`,
    );
    agent.kill('SIGKILL');
    await gone;
    // Its child lives on and does not hold the lock.
    const lock = await until('the lock is free', () => lockHostRoot(root.path).catch(() => undefined));
    lock.release();
  } finally {
    agent.kill('SIGKILL');
    process.kill(childPid, 'SIGKILL');
  }
});
