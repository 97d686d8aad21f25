import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CONFIG } from '../define/config.ts';
import { defineComponent, defineConfig, defineService, defineStack, hostPorts, p, service } from '../define/index.ts';
import { toManifest } from '../define/toManifest.ts';
import type { Format } from '../manifest/config.ts';
import type { Inputs } from '../manifest/inputs.ts';
import { analyseTemplate } from './analyse.ts';
import { templateContext } from './context.ts';
import { effectiveValues } from './effective.ts';
import { renderComponent } from './render.ts';
import { type Shape, templateShape } from './shapes.ts';

const FACTS = { cpus: 4, memory: 8e9, disk: 1e11 };

/** A closed world has nothing that only an operator or another stack can name. */
function worldOf(format: Format, { closed = false } = {}) {
  const cfg = defineConfig(
    'main.cfg',
    {
      port: p.port(80).help('x'),
      name: p.text('n').help('x'),
      secure: p.bool(true).help('x'),
      hosts: p.hosts(['a:1']).help('x'),
      names: p.list(['x', 'y']).help('x'),
      ...(closed ? {} : { extra: p.map({ a: 1 }).help('x') }),
      note: p.text('s').optional().help('x'),
    },
    { format, template: 't.hbs' },
  );
  const other = defineConfig('other.xml', { depth: p.int(3).help('x') });
  const server = defineComponent('server', { title: 'S', category: 'server', cardinality: '1+', config: [cfg, other] });
  const client = defineComponent('client', { title: 'C', category: 'client', cardinality: '0+' });
  const zkCfg = defineConfig('zk.cfg', { port: p.port(2181).help('x') });
  const keeper = defineComponent('keeper', { title: 'K', category: 'server', cardinality: '1', config: [zkCfg] });
  const stack = toManifest(
    defineStack({
      services: [
        defineService('demo', {
          title: 'Demo',
          version: '1',
          user: 'demo',
          components: [server, client],
          requires: [service('zk', '*'), ...(closed ? [] : [service('maybe', '*', { optional: true })])],
          packages: [{ name: 'tool', version: '1', origins: { maven: { archive: 'a:b:c:1' } } }],
        }),
        defineService('zk', {
          title: 'Zk',
          version: '1',
          user: 'zk',
          components: [keeper],
          exports: { connect: hostPorts(keeper, zkCfg.port) },
        }),
      ],
    }),
    { name: 'demo', version: '1.0.0', sdk: '0.1.0', templates: ['t.hbs'] },
  );
  const [demo] = stack.services;
  const [component] = demo!.components;
  const config = demo!.configs.find(({ name }) => name === cfg[CONFIG].name)!;
  const place = { host: 'h', address: '10.0.0.1', ordinal: 1 };
  const self: Inputs['self'] = {
    ...place,
    hostComponentId: 'c1',
    service: 'demo',
    component: 'server',
    bind: '0.0.0.0',
    root: '/',
    local: false,
    javaHome: '/jdk',
  };
  const inputs: Inputs = {
    self,
    facts: FACTS,
    imports: { zk: { connect: 'zk:2181' } },
    instances: { server: [place], client: [] },
    values: effectiveValues({ service: demo!, values: {}, facts: FACTS, self }),
  };
  return {
    stack,
    service: demo!,
    config,
    inputs,
    faults: (source: string) => analyseTemplate('t.hbs', source, { stack, service: demo!, config }),
    render: (source: string) =>
      renderComponent({ service: demo!, component: component!, templates: { 't.hbs': source }, inputs }),
  };
}

const { faults, render, ...rest } = worldOf('properties');

describe('a template is refused, with line and column, for', () => {
  test.each<[string, string, string]>([
    ['a property that is not there', 'x\n {{config.prt}}', '2:4 config.prt is not there; did you mean "port"?'],
    ['a property without `config`', '{{port}}', '1:3 port is not there → write config.port'],
    ['a config that is not there', '{{values.[main.cgf].port}}', 'did you mean "main.cfg"?'],
    ['a property of another config', '{{values.[other.xml].dept}}', 'did you mean "depth"?'],
    ['a fact of itself', '{{self.hots}}', 'did you mean "host"?'],
    ['a component', '{{#each instances.sever}}{{/each}}', 'did you mean "server"?'],
    ['a package', '{{packages.tol}}', 'did you mean "tool"?'],
    ['a service that is not required', '{{imports.hdfs.fs}}', '1:3 imports.hdfs.fs is not there → use zk, maybe'],
    ['a name inside a block', '{{#each instances.server}}{{hots}}{{/each}}', '1:29 hots is not there'],
    ['a name of a block parameter', '{{#with config as |c|}}{{c.prt}}{{/with}}', '1:26 c.prt is not there'],
    ['a name one level out', '{{#each config.names}}{{../confg.port}}{{/each}}', 'did you mean "config"?'],
    ['a level too far out', '{{#with config}}{{../../x}}{{/with}}', 'leads out of the template'],
    ['a name of a text', '{{config.name.length}}', 'config.name.length is not there: config.name is a text'],
    ['an unknown helper', '{{joinn config.names ","}}', 'joinn is no helper; did you mean "join"?'],
    ['a helper without values', '{{xml}}', 'xml takes 1 values, not 0'],
    ['a helper that needs a list', '{{join config.port ","}}', 'join needs a list, and this is a number'],
    ['a helper that needs a text', '{{join (split config.port ",") ";"}}', 'split needs a text, and this is a number'],
    ['an option that is not there', '{{properties excpt="port"}}', 'did you mean "except"?'],
    ['a property to leave out that is not there', '{{properties except="port nam"}}', 'did you mean "name"?'],
    ['going through a text', '{{#each config.name}}{{/each}}', '#each goes through a list, and this is a text'],
    ['@index outside of #each', '{{@index}}', '@index is there only inside #each'],
    ['a block that is none', '{{#iff config.port}}{{/iff}}', '#iff is no block; did you mean "if"?'],
    ['a block that is not closed', 'a\n{{#if config.port}}\n', 'it cannot be read'],
    ['a value that is not escaped', '{{{config.name}}}', 'write {{…}}'],
    ['a partial', '{{> other}}', 'partials and decorators cannot be used'],
  ])('%s', (_, source, told) => {
    const all = faults(source).map(({ line, column, reason, remedy }) => `${line}:${column} ${reason} → ${remedy}`);
    expect(all.join('\n')).toContain(told);
    expect(all).toHaveLength(1);
  });
});

test('a key that the file cannot hold is refused, and keys of a file without keys', () => {
  expect(worldOf('env').faults('{{property "a.b" config.port}}')).toMatchObject([{ line: 1, column: 12 }]);
  expect(worldOf('text').faults('{{properties}}').length).toBeGreaterThan(0);
  expect(worldOf('text').faults('{{config.port}}')).toEqual([]);
});

test('the shape of what a template sees is that of what it gets', () => {
  const { stack, service: demo, config, inputs } = rest;
  const context = { ...templateContext(demo, inputs, inputs.values), config: inputs.values['main.cfg'] };
  compare(templateShape(stack, demo, config), context);
});

function compare(shape: Shape, value: unknown): void {
  if (shape.kind === 'list' && Array.isArray(value)) value.forEach((each) => compare(shape.of, each));
  if (shape.kind !== 'object' || value === null) return;
  expect(Object.keys(shape.names).sort()).toEqual(Object.keys(value as object).sort());
  for (const [name, inner] of Object.entries(shape.names)) compare(inner, (value as Record<string, unknown>)[name]);
}

const PATHS =
  'config.port config.name config.names config.hosts config.note config.nope config values.[main.cfg].port values.[other.xml].depth self.host self.ordinal self.javaHome self.nope imports.zk imports.zk.connect imports.nope packages.tool instances.server instances.client instances.server.length this . .. ../config ../self.host ../../config host address leaving values m m.host m.leaving m.values.[main.cfg].port i @index @key @first config.names.[0] instances.server.[0].host'.split(
    ' ',
  );
const path = fc.constantFrom(...PATHS);
const literal = fc.constantFrom('"a"', '","', '1', 'true');
const value: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    path,
    literal,
    fc.tuple(fc.constantFrom('concat', 'xml', 'json', 'env', 'lines'), tie('value')).map(([h, a]) => `(${h} ${a})`),
    fc
      .tuple(fc.constantFrom('join', 'eq', 'concat'), tie('value'), tie('value'))
      .map(([h, a, b]) => `(${h} ${a} ${b})`),
  ),
})).value;
const template: fc.Arbitrary<string> = fc.letrec<{ body: string; part: string }>((tie) => ({
  body: fc.array(tie('part'), { maxLength: 4 }).map((parts) => parts.join('\n')),
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('x', '{{properties}}', '{{properties except="port"}}', '{{properties except="nope"}}'),
    path.map((each) => `{{${each}}}`),
    fc.tuple(fc.constantFrom('xml', 'yaml', 'lines', 'property "k"', 'concat'), value).map(([h, v]) => `{{${h} ${v}}}`),
    fc
      .tuple(
        fc.constantFrom('if', 'unless', 'each', 'with'),
        value,
        fc.constantFrom('', ' as |m|', ' as |m i|'),
        tie('body'),
      )
      .map(([block, v, as, body]) => `{{#${block} ${v}${as}}}${body}{{else}}${body}{{/${block}}}`),
  ),
})).body;

test('names that only the operator or another stack knows are left to the value', () => {
  expect(faults('{{config.extra.b}}{{#each config.extra as |v k|}}{{k}}={{v}}{{/each}}')).toEqual([]);
  expect(faults('{{#if imports.maybe}}{{imports.maybe.url}}{{else}}none{{/if}}')).toEqual([]);
  expect(render('{{#if imports.maybe}}{{imports.maybe.url}}{{else}}none{{/if}}')[0]?.content).toBe('none');
});

test('a template that passes renders, whatever is in it', () => {
  const { faults, render } = worldOf('properties', { closed: true });
  let passed = 0;
  fc.assert(
    fc.property(template, (source) => {
      if (faults(source).length > 0) return;
      passed++;
      expect(() => render(source)).not.toThrow();
    }),
    { numRuns: 5000 },
  );
  expect(passed).toBeGreaterThan(500);
}, 120_000);
