import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isAsPrinted, stepsOf } from './tutorial/page.ts';
import { Shell } from './tutorial/shell.ts';
import { World } from './world.ts';

/** The tutorial for stack authors, done as a reader does it: every file written, every command run, with a real Redis. */
const repository = fileURLToPath(new URL('../../../', import.meta.url));
const steps = stepsOf(await readFile(join(repository, 'sdk/docs/tutorial.md'), 'utf8'));
const hasRedis = existsSync('/usr/bin/redis-server');
let world: World;
let dir: string;
let shell: Shell;

beforeAll(async () => {
  if (!hasRedis) return;
  // An author's own tests take the SDK as it is published.
  if (!existsSync(join(repository, 'sdk/dist/testing/index.js'))) await compiled();
  dir = await mkdtemp(join(tmpdir(), 'stackyard-tutorial-'));
  await symlink(join(repository, 'node_modules'), join(dir, 'node_modules'));
  world = await World.start({ stacks: [], hosts: ['host1', 'host2'] });
  await world.api.post('/clusters', { name: 'demo', hosts: ['host1', 'host2'] });
  shell = await Shell.begin(dir, { STACKYARD_URL: world.api.url, STACKYARD_TOKEN: world.api.token });
});
afterAll(async () => {
  await world?.close();
  if (dir) await rm(dir, { recursive: true, force: true });
});

async function compiled(): Promise<void> {
  await promisify(execFile)(join(repository, 'node_modules/.bin/tsc'), ['-b'], { cwd: repository });
}

test.skipIf(!hasRedis)(
  'everything on the page can be done, and prints what the page says',
  async () => {
    const different: string[] = [];
    for (const step of steps) {
      if (step.kind === 'file') {
        const file = join(await shell.directory(), step.path);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, step.content);
        continue;
      }
      const printed = await shell.run(step.command);
      if (!isAsPrinted(step.printed, printed))
        different.push(`sdk/docs/tutorial.md:${step.line}\n$ ${step.command}\n${printed}`);
    }
    expect(different.join('\n')).toBe('');
  },
  600_000,
);
