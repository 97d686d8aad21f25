import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../../..');
let work: string;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'stackyard-reproducible-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

/** The whole example of a third party, elsewhere: with templates, functions and actions. */
async function copyTo(folder: string): Promise<string> {
  const target = join(work, folder);
  await mkdir(target, { recursive: true });
  await cp(join(root, 'examples/redis-stack'), target, {
    recursive: true,
    filter: (path) => !/\/(dist|reports|node_modules|tsconfig\.json)$/.test(path),
  });
  await symlink(join(root, 'node_modules'), join(target, 'node_modules'));
  return target;
}

interface Circumstances {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly umask: number;
  readonly env: Readonly<Record<string, string>>;
}

/** A build by a process of its own, on a day of its own: its clock, its time zone, its language, its rights of files. */
async function digestOf(folder: string, { now, umask, env }: Circumstances): Promise<string> {
  const clock = `const Real = Date; globalThis.Date = class extends Real {
    constructor(...given) { given.length === 0 ? super(${now}) : super(...given); }
    static now() { return ${now}; }
  };`;
  const script = `process.umask(${umask});
    const { buildStack } = await import(${JSON.stringify(join(root, 'sdk/src/build/index.ts'))});
    console.log((await buildStack(${JSON.stringify(folder)}, { outDir: ${JSON.stringify(join(folder, 'out'))} })).digest);`;
  const { stdout } = await run(
    process.execPath,
    ['--conditions=@stackyard/source', '--input-type=module', '--eval', script],
    {
      cwd: folder,
      env: {
        ...process.env,
        ...env,
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(clock)}`,
      },
    },
  );
  return stdout.trim();
}

/** Other times and rights of every source file; who may run a script is part of the stack. */
async function touchAll(folder: string, at: Date): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.parentPath.includes('node_modules')) continue;
    const path = join(entry.parentPath, entry.name);
    await utimes(path, at, at);
    await chmod(path, 0o600);
  }
}

test('a stack built twice, on another day, from another path, by other settings, is the same to the byte', async () => {
  const [first, second] = [await copyTo('here'), await copyTo('some/where/else')];
  await touchAll(second, new Date('2031-02-03T04:05:06Z'));
  const one = await digestOf(first, { now: Date.UTC(2026, 0, 1), umask: 0o022, env: { TZ: 'UTC', LC_ALL: 'C' } });
  const other = await digestOf(second, {
    now: Date.UTC(2032, 5, 30, 23, 59, 59),
    umask: 0o077,
    env: { TZ: 'Pacific/Auckland', LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8', USER: 'somebody', HOME: second },
  });
  expect(one).toMatch(/^sha512-[0-9a-f]{128}$/);
  expect(other).toBe(one);
  await writeFile(join(second, 'README.md'), 'changed\n');
  expect(await digestOf(second, { now: 0, umask: 0o022, env: {} })).not.toBe(one);
}, 120_000);
