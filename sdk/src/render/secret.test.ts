import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ConfigManifest } from '../manifest/config.ts';
import type { Inputs } from '../manifest/inputs.ts';
import type { ComponentManifest, ServiceManifest } from '../manifest/manifest.ts';
import { checkValue } from './check.ts';
import { FORMAT_WRITERS } from './formats.ts';
import { renderComponent } from './render.ts';
import { openedInputs, sealedSecrets, sealedText } from './secret.ts';

const FORMATS = ['properties', 'xml', 'yaml', 'json', 'ini', 'env'] as const;
const seal = (property: string): string =>
  sealedText({ config: 'x.conf', property, seal: `${property}-`.padEnd(60, 'S') });

function serviceOf(format: ConfigManifest['format'], template?: string): ServiceManifest {
  const property = (name: string, type: 'secret' | 'text') => ({ name, type, help: name, effect: 'restart' as const });
  const properties = [property('user', 'text'), property('password', 'secret'), property('token', 'secret')];
  const config = {
    name: 'x.conf',
    format,
    file: true,
    effect: 'restart' as const,
    properties,
    ...(template ? { template } : {}),
  };
  const component = { name: 'server', configs: ['x.conf'], files: [] } as unknown as ComponentManifest;
  return {
    name: 'x',
    configs: [config],
    components: [component],
    packages: [],
    requires: { services: [] },
  } as unknown as ServiceManifest;
}

function inputsOf(user: string): Inputs {
  const self = {
    hostComponentId: 'h',
    service: 'x',
    component: 'server',
    host: 'h1',
    address: 'a',
    bind: 'a',
    root: '/',
    local: false,
    ordinal: 1,
  };
  const values = { 'x.conf': { user, password: seal('password'), token: seal('token') } };
  const instances = {
    server: [{ host: 'h1', address: 'a', ordinal: 1, overrides: { 'x.conf': { token: seal('token') } } }],
  };
  return { self, values, instances, imports: {}, facts: { cpus: 1, memory: 1, disk: 1 } };
}

const printable = fc.stringMatching(/^[ -~]{4,40}$/);

test.each([...FORMATS, 'text'] as const)(
  'in a file of format %s sealed and opened differ in the secrets only',
  (format) => {
    const templates = {
      'x.hbs': 'user {{config.user}}\nfirst {{config.password}}\nthen {{instances.server.[0].values.[x.conf].token}}\n',
    };
    const service = serviceOf(format, format === 'text' ? 'x.hbs' : undefined);
    const [component] = service.components as [ComponentManifest];
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{1,8}$/), printable, printable, (user, password, token) => {
        const inputs = inputsOf(user);
        const opened = openedInputs(service.configs, inputs, { [seal('password')]: password, [seal('token')]: token });
        const [sealedFile] = renderComponent({ service, component, templates, inputs });
        const [openedFile] = renderComponent({ service, component, templates, inputs: opened });
        const written = (text: string): string => FORMAT_WRITERS[format].value(text);
        const expected = (sealedFile?.content ?? '')
          .replace(written(seal('password')), () => written(password))
          .replace(written(seal('token')), () => written(token));
        expect(openedFile?.content).toBe(expected);
        expect(openedFile?.path).toBe(sealedFile?.path);
      }),
    );
  },
);

test('every sealed secret of the inputs is found once, and only secrets are opened', () => {
  const inputs = inputsOf('u');
  expect(sealedSecrets(inputs)).toEqual([seal('password'), seal('token')]);
  const odd = { ...inputs, values: { 'x.conf': { user: seal('password') } } };
  expect(openedInputs(serviceOf('json').configs, odd, { [seal('password')]: 'open' }).values).toEqual(odd.values);
});

test('what is wrong with a secret is said without it', () => {
  const property = { name: 'p', type: 'secret' as const, help: 'P', effect: 'none' as const, pattern: '[a-z]+' };
  const say = (value: Parameters<typeof checkValue>[1]) => checkValue(property, value)?.why;
  expect([say('abc'), say('Hunter2'), say(5), say('fine'), say(seal('p'))]).toEqual([
    'is shorter than 4 characters',
    'does not match [a-z]+',
    'is a secret, and must be a text',
    undefined,
    undefined,
  ]);
});

test('a text may not look like a sealed secret', () => {
  const property = { name: 'p', type: 'text' as const, help: 'P', effect: 'none' as const };
  expect(checkValue(property, `x ${seal('p')}`)?.code).toBe('VALUE_PATTERN');
});
