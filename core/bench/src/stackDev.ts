import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { figureOf, type Report } from './figures.ts';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const ROUNDS = 10;
const POLL_MS = 5;
const LIMIT_MS = 120_000;

/** From a change of a stack's source to its being on a running server, and to its running there, by `stackyard stack dev`. */
export async function benchStackDev({ report }: { readonly report: Report }): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'stackyard-bench-dev-'));
  const folder = join(dir, 'hello');
  await cp(join(repository, 'examples/hello-stack'), folder, {
    recursive: true,
    filter: (path) => !/\/(dist|reports|node_modules|tsconfig.json)$/.test(path),
  });
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
  const dev = spawn(process.execPath, [join(repository, 'core/cli/bin/stackyard.mjs'), 'stack', 'dev', folder], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, XDG_CONFIG_HOME: join(dir, 'config') },
  });
  const ended = once(dev, 'exit');
  let said = '';
  dev.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const told = async (text: string): Promise<number> => {
    for (const end = performance.now() + LIMIT_MS; !said.includes(text); await delay(POLL_MS)) {
      if (performance.now() > end || dev.exitCode !== null) throw new Error(`It never said "${text}":\n${said}`);
    }
    return performance.now();
  };
  try {
    await told('Ctrl-C ends it');
    const source = join(folder, 'src/index.ts');
    const text = await readFile(source, 'utf8');
    const [there, running]: [number[], number[]] = [[], []];
    for (let round = 1; round <= ROUNDS; round++) {
      const begun = performance.now();
      await writeFile(source, text.replace("'Hello'", `'Hello ${round}'`));
      there.push((await told(`dev.${round} is on the server`)) - begun);
      running.push((await told(`dev.${round} runs`)) - begun);
    }
    report(
      figureOf({ name: 'from a change of a stack to its being on the server', unit: 'ms', aim: '< 2,000' }, there),
    );
    report(figureOf({ name: 'from a change of a stack to its running', unit: 'ms' }, running));
  } finally {
    dev.kill('SIGINT');
    await ended;
    await rm(dir, { recursive: true, force: true });
  }
}
