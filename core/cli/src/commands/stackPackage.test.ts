import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../cli.ts';
import { testTerminal } from '../output/testing.ts';

const modules = join(import.meta.dirname, '../../../../node_modules');
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stackyard-stack-'));
  await mkdir(join(folder, 'src'));
  const manifest = { name: '@stack/demo', version: '1.0.0', type: 'module', exports: './src/index.ts' };
  await writeFile(join(folder, 'package.json'), JSON.stringify({ ...manifest, stackyard: { kind: 'stack' } }));
  await symlink(modules, join(folder, 'node_modules'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function cli(port: string, ...argv: string[]) {
  const definition = `import { defineComponent, defineConfig, defineService, defineStack, p } from '@stackyard/sdk';
const cfg = defineConfig('a.cfg', {
  port: ${port},
});
const one = defineComponent('one', { title: 'One', category: 'server', cardinality: '1+', config: [cfg] });
export default defineStack({ services: [defineService('demo', { title: 'Demo', version: '1', user: 'demo', components: [one] })] });
`;
  await writeFile(join(folder, 'src', 'index.ts'), definition);
  const terminal = testTerminal();
  const code = await run(['stack', ...argv, folder], terminal);
  return { code, ...terminal.said };
}

test('check shows each problem with its place and what to do, and exits with 1', async () => {
  const { code, out, err } = await cli("p.port(0).help('Port')", 'check');
  expect(code).toBe(1);
  expect(out).toBe(
    '✗ src/index.ts:3:3 demo a.cfg port: its default is 0; it must be at least 1 and at most 65535.\n' +
      '  Change the default or the bounds.\n',
  );
  expect(err).toContain('1 error.\n');
});

test('check exits with 0 where only something is unwise, and speaks JSON', async () => {
  const { code, out } = await cli('p.port(80)', 'check', '-o', 'json');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    problems: [{ where: 'demo a.cfg port', severity: 'warning', at: { file: 'src/index.ts', line: 3, column: 3 } }],
    notes: [],
  });
});

test('build refuses with the text of check, and prints warnings', async () => {
  const refused = await cli("p.port(0).help('Port')", 'build');
  expect(refused.code).toBe(1);
  expect(refused.err).toContain('✗ src/index.ts:3:3 demo a.cfg port: its default is 0');
  const built = await cli('p.port(80)', 'build', '-o', 'name');
  expect(built.code).toBe(0);
  expect(built.out).toContain('stack-demo-1.0.0.tgz');
  expect(built.err).toContain('! src/index.ts:3:3 demo a.cfg port: it does not say what it is for.');
});
