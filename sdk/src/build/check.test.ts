import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildStack, checkStack, problemText } from './index.ts';

const modules = join(import.meta.dirname, '../../../node_modules');
let work = '';
beforeAll(async () => void (work = await mkdtemp(join(tmpdir(), 'stackyard-check-'))));
afterAll(() => rm(work, { recursive: true, force: true }));

const IMPORTS = `import { alert, concat, dashboard, defineComponent, defineConfig, defineService, defineStack, exec, http, own, p, panel, self, service, tcp } from '@stackyard/sdk';`;

/** A package of its own; `index` is its definition without the imports. */
async function packageOf(name: string, index: string, files: Record<string, string> = {}): Promise<string> {
  const folder = join(work, name);
  const manifest = { name: '@stack/demo', version: '1.0.0', type: 'module', exports: './src/index.ts' };
  const all = {
    'package.json': JSON.stringify({ ...manifest, stackyard: { kind: 'stack' } }),
    'src/index.ts': `${IMPORTS}\n${index}`,
    ...files,
  };
  for (const [path, content] of Object.entries(all)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  await symlink(modules, join(folder, 'node_modules'));
  return folder;
}

async function found(folder: string): Promise<string> {
  return (await checkStack(folder)).problems.map(problemText).join('\n');
}

const BROKEN = `
const cfg = defineConfig('bad.cfg', {
  clientPort: p.port(0).help('Port'),
  admin:
    p
      .port(2181)
      .min(1024),
  again: p.port(2181).help('x').key('admin'),
  loop: p.int(own('pool')).help('x'),
  pool: p.int(own('loop')).help('x'),
});
const unused = defineConfig('unused.ini', {});
const shared = defineConfig('shared', { port: p.port(80).help('x') }, { file: false });
const odd = defineConfig('odd', {});

const other = defineComponent('other', { title: 'O', category: 'server', cardinality: '1' });
const one = defineComponent('one', {
  title: 'One', category: 'server', cardinality: '3+', config: [cfg, odd], with: [other],
  process: exec({
    program: '/bin/true',
    args: [concat('-x', self.packageDir)],
    ready: tcp(cfg.clientPort),
  }),
  links: { UI: http(shared.port, '/') },
  lifecycle: {
    async init(host) {
      // host.script('scripts/only-a-comment.sh')
      await host.script('scripts/formt.sh');
    },
  },
});
export default defineStack({
  services: [
    defineService('demo', {
      title: 'Demo', version: '1.2', user: 'De mo', components: [one, other], config: [shared],
      exports: { url: concat(self.host, ':1') },
      upgrade: { from: '>=2' },
      alerts: { Down: alert({ severity: 'critical', expr: 'up == 0', summary: 'x', remedy: 'y' }) },
      dashboards: { overview: dashboard('D', [panel('Rate', 'rate(x{$labels}[5m])')]) },
    }),
  ],
});
`;

test('everything that is wrong is found at once, with its line and what to do', async () => {
  const folder = await packageOf('broken', BROKEN, {
    'templates/bad.cfg.hbs': 'a={{config.clientPrt}}\n{{#each instances.one as |m|}}{{m.hots}}{{/each}}\n',
    'templates/bd.cfg.hbs': 'x',
    'scripts/format.sh': 'true\n',
  });
  const told = await found(folder);
  expect(told).toMatchInlineSnapshot(`
    "src/index.ts:4:3: demo bad.cfg clientPort: its default is 0; it must be at least 1 and at most 65535; change the default or the bounds.
    src/index.ts:5:3: demo bad.cfg admin: warning: it does not say what it is for; add \`.help('…')\`, one sentence without a full stop.
    src/index.ts:9:3: demo bad.cfg again: its default 2181 is that of bad.cfg admin too; give it another port.
    src/index.ts:10:3: demo bad.cfg loop: its default or condition needs itself (bad.cfg loop → bad.cfg pool → bad.cfg loop); give one of them a constant.
    src/index.ts:13:16: config unused.ini: warning: no component and no service has it; list it in \`config\`, or remove it.
    src/index.ts:15:13: demo odd: its name does not tell its format; give it as \`{ format: 'properties' }\`.
    src/index.ts:18:13: demo/one: it is on at least 3 hosts, and only with demo/other, which is on 1 at most; change a cardinality, or drop it from "with".
    src/index.ts:22:12: demo/one process.args[0]: it names the package directory of a service without a package; add a package.
    src/index.ts:25:12: demo/one link UI: its port port of shared belongs to no component; list shared in "config" of one.
    src/index.ts:29:25: its script scripts/formt.sh is not there; did you mean "scripts/format.sh"?; add it, or correct the path.
    src/index.ts:35:5: demo user: use the name of a user: lower-case letters, digits, _ and -; change the definition.
    src/index.ts:35:5: demo: upgrade.from >=2 names no version up to its own, 1.2; name an older one.
    src/index.ts:37:23: demo export url: it names facts of one host component, and an export is of the whole service; use \`hostPorts\` or \`each\` of a component.
    src/index.ts:39:17: demo alert Down: up would take the series of every cluster; put $labels in its braces: name{$labels}.
    templates/bad.cfg.hbs:1:5: config.clientPrt is not there; did you mean "clientPort"?; correct the name.
    templates/bad.cfg.hbs:2:33: m.hots is not there; did you mean "host"?; correct the name.
    templates/bd.cfg.hbs: warning: no config is written by it; did you mean "bad.cfg.hbs"?; rename it, or remove it."
  `);
  await expect(buildStack(folder)).rejects.toThrow(told);
});

const GOOD = `
const cfg = defineConfig('a.cfg', { port: p.port(80).help('Port') });
const one = defineComponent('one', { title: 'One', category: 'server', cardinality: '1+', config: [cfg],
  process: exec({ program: '/bin/true', ready: tcp(cfg.port) }),
  links: { UI: http(cfg.port, '/') } });
export default defineStack({ services: [defineService('demo', { title: 'Demo', version: '1', user: 'demo', components: [one], MORE })] });
`;

test('a stack without faults is told to be so, and an unused template is only a warning', async () => {
  const folder = await packageOf('good', GOOD.replace('MORE', ''), { 'templates/A.cfg.hbs': 'x' });
  const { problems } = await checkStack(folder);
  expect(problems.map(problemText)).toEqual([
    'templates/A.cfg.hbs: warning: no config is written by it; did you mean "a.cfg.hbs"?; rename it, or remove it.',
  ]);
  expect((await buildStack(folder)).warnings).toEqual(problems);
});

const RULES = `
  alerts: {
    Down: alert({ severity: 'critical', expr: 'up{$labels} ==', summary: 'x', remedy: 'y' }),
    Odd: alert({ severity: 'critical', expr: 'up{$labels} == 0', summary: '{{ $lables.host }}', remedy: 'y' }),
  },
  dashboards: { overview: dashboard('D', [panel('A', 'rate(x{$labels}[$__rate_interval])'), panel('B', 'sum((x{$labels})')]) },
`;

test('Prometheus itself is asked about the rules, where it is there', async ({ skip }) => {
  const folder = await packageOf('rules', GOOD.replace('MORE', RULES));
  const { problems, notes } = await checkStack(folder);
  if (notes.length > 0 && process.env['CI'] !== 'true') return skip(notes[0]);
  expect(notes).toEqual([]);
  expect(problems.map(({ where }) => where)).toEqual([
    'demo alert Down',
    'demo alert Odd',
    'demo dashboard overview panel B',
  ]);
  expect(problems.map(({ at }) => at?.line)).toEqual([9, 10, 12]);
});

test('without promtool nothing fails, and a note says what was not looked at', async () => {
  const folder = await packageOf('no-promtool', GOOD.replace('MORE', RULES));
  const { problems, notes } = await checkStack(folder, { promtool: join(work, 'nothing-here') });
  expect(problems).toEqual([]);
  expect(notes.join()).toContain('promtool is not on PATH');
});

test.each<[string, string, RegExp]>([
  ['throws', 'const a = 1;\nthrow new Error("no luck");', /^src\/index\.ts:3:7: it cannot be imported: Error: no luck/],
  ['cannot be read', 'const a: number = ;', /^src\/index\.ts.*it cannot be imported/],
  ['exports no stack', 'export default 1;', /^src\/index\.ts: its default export is no stack/],
])('a module that %s is named', async (name, index, message) => {
  expect(await found(await packageOf(`module ${name}`, index))).toMatch(message);
});

test.each([
  [String.raw`/(a+)\1/`, String.raw`it has a reference \1 to what a group matched`],
  ['/(?=a).*/', 'it has a lookahead (?=…)'],
  ['/[a-z]+/i', 'it has a modifier (?i:…)'],
  ['/((x{90}){90}){90}/', 'it repeats too much'],
])('a pattern that cannot be matched in linear time is named with its line: %s', async (pattern, reason) => {
  const index = `const cfg = defineConfig('a.cfg', {
  name:
    p.text('a')
      .pattern(${pattern})
      .help('x'),
});
const one = defineComponent('one', {
  title: 'One', category: 'server', cardinality: '1', config: [cfg],
  process: exec({ program: '/bin/true', ready: tcp(1) }),
});
export default defineStack({ services: [defineService('demo', { title: 'D', version: '1', user: 'demo', components: [one] })] });`;
  const { problems } = await checkStack(await packageOf(`pattern-${Buffer.from(pattern).toString('hex')}`, index));
  const [problem] = problems.filter(({ reason: said }) => said.includes('its pattern'));
  expect(problem).toMatchObject({ where: 'demo a.cfg name', at: { file: 'src/index.ts', line: 3 } });
  expect(problem!.reason).toContain(reason);
  expect(problem!.remedy).toMatch(/^(write it without|use \+, \*)/);
});

test('a folder that is no package of a stack is named', async () => {
  expect(await found(join(work, 'nowhere'))).toContain('there is no such folder');
});
