import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const cli = fileURLToPath(new URL('../bin/stackyard.mjs', import.meta.url));
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-contract-e2e-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A copy of the example, perhaps with its definition changed. */
async function stack(name: string, change: (source: string) => string = (source) => source): Promise<string> {
  const folder = join(dir, name);
  await cp(join(repository, 'examples/hello-stack'), folder, {
    recursive: true,
    filter: (path) => !/\/(dist|reports|node_modules|tsconfig.json)$/.test(path),
  });
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
  const source = join(folder, 'src/index.ts');
  await writeFile(source, change(await readFile(source, 'utf8')));
  return folder;
}

function contract(folder: string): Promise<{ code: number; said: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, 'stack', 'test', folder, '--real'], (error, _out, said) => {
      resolve({ code: error ? Number(error.code) : 0, said });
    });
  });
}

test('the example keeps the contract with its real process, and the report says what was seen', async () => {
  const folder = await stack('hello');
  const { code, said } = await contract(folder);
  expect(said).toContain('The contract is kept');
  expect(code).toBe(0);
  const report = JSON.parse(await readFile(join(folder, 'contract-report.json'), 'utf8'));
  expect(report.steps.map(({ name, outcome }: { name: string; outcome: string }) => `${name} ${outcome}`)).toEqual([
    'install kept',
    'links skipped',
    'check kept',
    'recover kept',
    'reconfigure kept',
    'restart kept',
    'upgrade kept',
    'stop kept',
    'remove kept',
  ]);
  expect(await readFile(join(folder, 'contract-report.md'), 'utf8')).toContain('greeter on host1');
});

test('a stack that leaves a file behind breaks the contract, which says which', async () => {
  const folder = await stack('untidy', (source) =>
    source.replace(
      'config: [greeting],',
      `config: [greeting],\n  lifecycle: { start: (host) => host.write(host.self.root + '/var/lib/untidy', 'left') },`,
    ),
  );
  const { code, said } = await contract(folder);
  expect(code).toBe(1);
  expect(said).toMatch(/✗ remove: .*\n +files are left: host1: var\/lib\/untidy/);
});
