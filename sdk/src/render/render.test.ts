import { describe, expect, test } from 'vitest';
import type { ConfigManifest, PropertyManifest } from '../manifest/config.ts';
import type { Inputs } from '../manifest/inputs.ts';
import { ComponentManifest, ServiceManifest } from '../manifest/manifest.ts';
import { TemplateError } from './errors.ts';
import { renderComponent } from './render.ts';

const property = (name: string, more: Partial<PropertyManifest> = {}): PropertyManifest => ({
  name,
  type: 'text',
  help: name,
  effect: 'restart',
  ...more,
});

const server = ComponentManifest.parse({
  name: 'server',
  title: 'Server',
  category: 'server',
  cardinality: '1+',
  configs: ['a.cfg'],
  files: [{ in: { config: 'a.cfg', property: 'dataDir' }, name: 'myid', content: { self: 'ordinal' } }],
  dirs: [],
  lifecycle: [],
  after: [],
  rolling: false,
  timeouts: {},
  idempotent: {},
  health: {},
  links: {},
});

function serviceWith(config: Partial<ConfigManifest>): ServiceManifest {
  return ServiceManifest.parse({
    name: 'demo',
    title: 'Demo',
    version: '1.0',
    user: 'demo',
    packages: [],
    requires: { services: [] },
    components: [server],
    exports: {},
    configs: [
      {
        name: 'a.cfg',
        format: 'properties',
        file: true,
        effect: 'restart',
        properties: [property('dataDir', { type: 'dir' }), property('port', { type: 'port', offsetByOrdinal: true })],
        ...config,
      },
    ],
  });
}

const inputs: Inputs = {
  self: {
    hostComponentId: 'hc1',
    host: 'h2',
    address: '127.0.0.12',
    bind: '127.0.0.12',
    ordinal: 2,
    service: 'demo',
    component: 'server',
    root: '/srv/h2',
    local: true,
  },
  values: { 'a.cfg': { dataDir: '/var/lib/demo', port: 4000 } },
  instances: {
    server: [
      { host: 'h2', address: '127.0.0.12', ordinal: 2 },
      { host: 'h1', address: '127.0.0.11', ordinal: 1, overrides: { 'a.cfg': { port: 5000 } } },
    ],
  },
  imports: {},
  facts: { cpus: 1, memory: 1, disk: 1 },
};

function render(template: string | undefined, config: Partial<ConfigManifest> = {}): string {
  const service = serviceWith({ ...config, ...(template === undefined ? {} : { template: 'a.cfg.hbs' }) });
  const templates = template === undefined ? {} : { 'a.cfg.hbs': template };
  return renderComponent({ service, component: server, templates, inputs })[0]?.content ?? '';
}

test('without a template every property is written, directories and ports as they are on the host', () => {
  const files = renderComponent({ service: serviceWith({}), component: server, templates: {}, inputs });
  expect(files.map(({ path, content, mode }) => ({ path, content, mode }))).toMatchInlineSnapshot(`
    [
      {
        "content": "dataDir=/srv/h2/var/lib/demo
    port=4002
    ",
        "mode": 420,
        "path": "/srv/h2/etc/stackyard/demo/server/a.cfg",
      },
      {
        "content": "2
    ",
        "mode": 420,
        "path": "/srv/h2/var/lib/demo/myid",
      },
    ]
  `);
});

test('a text of several is gone through part by part, and an empty one has no part', () => {
  const each = (text: string) => `{{#each (split "${text}" ",") as |part|}}{{@index}}={{part}}\n{{/each}}`;
  expect(render(`{{properties except="port"}}\n${each('a:1,b:2')}`)).toMatch(/demo\n0=a:1\n1=b:2\n$/);
  expect(render(`{{properties except="port"}}\n${each('')}`)).toMatch(/demo\n$/);
});

test('a template sees each host component with its own values', () => {
  const lines =
    '{{#each instances.server as |m|}}\nserver.{{m.ordinal}}={{m.address}}:{{m.values.[a.cfg].port}}\n{{/each}}\n';
  expect(render(`{{properties except="port"}}\n${lines}`)).toMatchInlineSnapshot(`
    "dataDir=/srv/h2/var/lib/demo
    server.1=127.0.0.11:5001
    server.2=127.0.0.12:4002
    "
  `);
});

describe('a template is refused with the line when it', () => {
  test.each([
    [
      'names an unknown property',
      '\n{{config.prot}}',
      /a\.cfg\.hbs.*config\.prot \(line 2\) is not there; did you mean "port"\?/,
    ],
    ['asks whether an unknown property is set', '{{#if config.x}}a{{/if}}', /config\.x \(line 1\) is not there/],
    ['gives an unknown name to a helper', '{{property "k" config.x}}', /config\.x \(line 1\) is not there/],
    ['looks into a missing object', '{{config.x.y}}', /config\.x\.y \(line 1\) is not there/],
    ['writes without escaping', '{{{config.port}}}', /line 1: write \{\{…\}\}/],
    ['uses a partial', '{{> x}}', /partials/],
    ['uses a dynamic partial', '{{> (concat "x")}}', /partials/],
    ['uses a decorator', '{{* x}}', /decorators/],
    ['uses an unknown helper', '{{log config.port}}', /log is no helper/],
    ['uses lookup', '{{lookup config "port"}}', /lookup is no helper/],
    ['uses an unknown block', '{{#config}}{{/config}}', /#config is no block/],
    ['reaches for a prototype', '{{config.__proto__}}', /__proto__ is no name/],
    ['reaches for a constructor', '{{#with config.constructor as |c|}}{{c}}{{/with}}', /constructor is no name/],
    ['reaches for the root data', '{{@root.config}}', /@root\.config cannot be used/],
    ["calls the compiler's own helper", '{{[*get] config.port}}', /\*get is no helper/],
    ['is not closed', '{{#if config.port}}', /Parse error|Expecting/],
  ])('%s', (_, template, message) => {
    expect(() => render(template)).toThrow(TemplateError);
    expect(() => render(template)).toThrow(message);
  });
});

test('a template given as a tree is refused', () => {
  const tree = { type: 'Program', body: [] } as unknown as string;
  expect(() => render(tree)).toThrow('its source must be text');
});

test('a newline in a value cannot add a key, with or without a template', () => {
  const hostile = {
    properties: [property('dataDir', { type: 'dir' }), property('port', { type: 'port' }), property('name')],
  };
  const values = { 'a.cfg': { dataDir: '/d', port: 1, name: 'x\nevil=1' } };
  const templates = ['name={{config.name}}', '{{property "name" config.name}}', 'name={{concat config.name ""}}'];
  const written = [undefined, ...templates].map((template) => {
    const service = serviceWith({ ...hostile, ...(template ? { template: 't' } : {}) });
    const request = { service, component: server, templates: { t: template ?? '' }, inputs: { ...inputs, values } };
    return renderComponent(request)[0]?.content;
  });
  expect(written).toMatchInlineSnapshot(`
    [
      "dataDir=/srv/h2/d
    port=1
    name=x\\nevil=1
    ",
      "name=x\\nevil=1",
      "name=x\\nevil=1",
      "name=x\\nevil=1",
    ]
  `);
});

test('blocks, helpers and optional values work', () => {
  const optional = [
    property('dataDir', { type: 'dir' }),
    property('port', { type: 'port' }),
    property('note', { optional: true }),
  ];
  const template = [
    '{{#if config.note}}note={{config.note}}{{else}}none{{/if}}',
    'url={{concat "http://" self.address ":" config.port}}',
    '{{#if (eq self.ordinal 2)}}second{{/if}}',
    '{{#each instances.server}}{{@index}}:{{this.host}} {{/each}}',
  ].join('\n');
  expect(render(template, { properties: optional })).toMatchInlineSnapshot(`
    "none
    url=http://127.0.0.12:4000
    second
    0:h1 1:h2 "
  `);
});

test('the same request gives the same bytes', () => {
  const once = () => renderComponent({ service: serviceWith({}), component: server, templates: {}, inputs });
  expect(once()).toEqual(once());
});
