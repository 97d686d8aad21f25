import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { processesIn, signal, until } from './world.ts';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const cli = fileURLToPath(new URL('../bin/stackyard.mjs', import.meta.url));

test('a change of a stack runs on a server a moment later, a mistake is told and ends nothing, Ctrl-C leaves nothing', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'stackyard-dev-e2e-'));
  const [folder, data] = [join(dir, 'hello'), join(dir, 'data')];
  await cp(join(repository, 'examples/hello-stack'), folder, {
    recursive: true,
    filter: (path) => !/\/(dist|reports|node_modules|tsconfig.json)$/.test(path),
  });
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
  const env = { ...process.env, XDG_CONFIG_HOME: join(dir, 'config') };
  const dev = spawn(process.execPath, [cli, 'stack', 'dev', folder, '--data-dir', data], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env,
  });
  let said = '';
  dev.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(dev, 'exit');
  const source = join(folder, 'src/index.ts');
  const change = async (from: string, to: string): Promise<void> =>
    writeFile(source, (await readFile(source, 'utf8')).replace(from, to));
  const told = (text: string) => until(`it says: ${text}`, async () => said.includes(text), 120_000);
  const output = () => readFile(join(data, 'hosts/host1/var/log/stackyard/hello/greeter/output.log'), 'utf8');
  try {
    await told('Ctrl-C ends it');
    await change("'Hello'", "'Hello again'");
    await told('0.1.0-dev.1 runs');
    await until('the new text is said', async () => (await output().catch(() => '')).includes('Hello again'), 30_000);
    await change('p.text(', 'p.texxt(');
    await told('p.texxt is not a function');
    await told('What ran before goes on');
    await change('p.texxt(', 'p.text(');
    await told('0.1.0-dev.3 runs');
    dev.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
    expect(said).toContain('Everything that was started has ended');
    expect(await processesIn(data)).toEqual([]);
  } finally {
    dev.kill('SIGKILL');
    await ended;
    // Where a step above failed, what it had started is still there.
    await until('nothing of it is left', async () => {
      const left = await processesIn(data);
      for (const pid of left) signal(pid, 'SIGKILL');
      return left.length === 0;
    });
    await rm(dir, { recursive: true, force: true });
  }
});
