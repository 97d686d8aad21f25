import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { SettingsError } from './errors.ts';
import { defineSettings, secret, type SettingsOf, type SettingsSources } from './settings.ts';

const shape = {
  http: { host: z.string().default('127.0.0.1'), port: z.int().min(0).max(65_535).default(8080) },
  logLevel: z.enum(['debug', 'info']).default('info'),
  secure: z.boolean().default(false),
  plugins: z.array(z.string()).default([]),
  limits: z.object({ jobs: z.int() }).optional(),
  databaseUrl: secret(z.url()).optional(),
};
const settings = defineSettings(shape, { otherEnv: ['STACKYARD_COMPONENT'] });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'settings-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(text: string, name = 'server.yaml'): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** The sentences of the error, with the folder of the test left out. */
function refusal(sources: SettingsSources<typeof shape>, of = settings): string[] {
  try {
    of.read(sources);
  } catch (error) {
    if (error instanceof SettingsError)
      return error.fields.problems.map(({ sentence }) => sentence.replaceAll(`${folder}/`, ''));
    throw error;
  }
  return expect.unreachable('the settings were accepted');
}

describe('where values come from', () => {
  test('defaults hold when nobody says otherwise', () => {
    const values = settings.read({});
    expect(values).toEqual({
      http: { host: '127.0.0.1', port: 8080 },
      logLevel: 'info',
      secure: false,
      plugins: [],
      limits: undefined,
      databaseUrl: undefined,
    });
    expectTypeOf<SettingsOf<typeof settings>['http']['port']>().toEqualTypeOf<number>();
    expectTypeOf(values.databaseUrl).toEqualTypeOf<string | undefined>();
    // @ts-expect-error: the port is a number
    void (() => settings.read({ overrides: { http: { port: 'high' } } }));
  });

  test('explicit values win over the environment, that over the file, that over defaults', () => {
    const file = fileOf('http: { host: file, port: 1 }\nlogLevel: debug\nplugins: [x]\n');
    const env = { STACKYARD_HTTP_HOST: 'env', STACKYARD_HTTP_PORT: '2', PATH: '/bin' };
    expect(settings.read({ overrides: { http: { host: undefined, port: 3 } }, env, file })).toMatchObject({
      http: { host: 'env', port: 3 },
      logLevel: 'debug',
      plugins: ['x'],
      secure: false,
    });
  });

  test('variables are text, and read as what the setting is', () => {
    const env = {
      STACKYARD_HTTP_PORT: '0',
      STACKYARD_SECURE: 'yes',
      STACKYARD_PLUGINS: '@stackyard/plugin-a, b',
      STACKYARD_LIMITS: '{"jobs": 4}',
      STACKYARD_HTTP_HOST: '10',
      STACKYARD_LOG_LEVEL: '',
      STACKYARD_COMPONENT: 'somebody else reads this',
    };
    expect(settings.read({ env })).toEqual({
      http: { host: '10', port: 0 },
      logLevel: 'info',
      secure: true,
      plugins: ['@stackyard/plugin-a', 'b'],
      limits: { jobs: 4 },
      databaseUrl: undefined,
    });
    expect(settings.read({ env: { STACKYARD_PLUGINS: '["a,b"]' } }).plugins).toEqual(['a,b']);
  });

  test('a file is YAML or JSON, and may be empty', () => {
    expect(settings.read({ file: fileOf('{\n\t"http": {"port": 9}\n}', 'a.json') }).http.port).toBe(9);
    expect(settings.read({ file: fileOf('# nothing yet\n') }).http.port).toBe(8080);
    expect(settings.read({ file: fileOf('logLevel:\nhttp:\n') }).http.port).toBe(8080);
  });
});

describe('what is refused', () => {
  test('all problems are told at once, each with where its value came from', () => {
    const file = fileOf('http:\n  port: 70000\n  hots: x\nsecure: [1]\nlimits: { jobs: many }\n');
    const env = { STACKYARD_LOG_LEVEL: 'loud', STACKYARD_HTPP_PORT: '1' };
    const overrides = { http: { host: 4 as never }, plugin: [] } as object;
    expect(refusal({ overrides, env, file })).toMatchInlineSnapshot(`
      [
        "No setting is called plugin (given explicitly). Did you mean plugins?",
        "No setting is called STACKYARD_HTPP_PORT (environment). Did you mean STACKYARD_HTTP_PORT?",
        "No setting is called http.hots (file server.yaml, line 3). Did you mean http.host?",
        "http.host is 4 (given explicitly): Invalid input: expected string, received number",
        "http.port is 70000 (file server.yaml, line 2): Too big: expected number to be <=65535",
        "logLevel is "loud" (environment variable STACKYARD_LOG_LEVEL): Invalid option: expected one of "debug"|"info"",
        "secure (file server.yaml, line 4): Invalid input: expected boolean, received array",
        "limits.jobs (file server.yaml, line 5): Invalid input: expected number, received string",
      ]
    `);
  });

  test('a required setting that nobody gives is named with its variable', () => {
    const strict = defineSettings({ root: z.string() }, { prefix: 'STACKYARD_AGENT_' });
    expect(() => strict.read({ env: { STACKYARD_HTTP_PORT: '1' } })).toThrow(
      'root is not set. Set it in the file, or by the variable STACKYARD_AGENT_ROOT.',
    );
  });

  test('a group is not a value', () => {
    expect(refusal({ file: fileOf('http: 8080\n') })).toEqual([
      'http (file server.yaml, line 1) is a group of settings: http.host, http.port.',
    ]);
  });

  test('a file that is missing, broken or of another kind is one sentence', () => {
    expect(refusal({ file: join(folder, 'absent.yaml') })).toEqual([
      'The settings file absent.yaml cannot be read: ENOENT.',
    ]);
    expect(refusal({ file: fileOf('databaseUrl: hunter2\n  port: "x\n') })).toEqual([
      expect.stringMatching(/^The settings file server.yaml is no valid YAML at line \d+, column \d+: [A-Z_]+\.$/),
    ]);
    expect(refusal({ file: fileOf('- a\n') })).toEqual(['The settings file server.yaml must hold names and values.']);
  });

  test('two settings with one variable are refused where they are defined', () => {
    expect(() => defineSettings({ http: { port: z.int() }, httpPort: z.int() })).toThrow(
      'The settings http.port and httpPort are both STACKYARD_HTTP_PORT. Rename one.',
    );
  });
});

describe('secrets', () => {
  const canary = 'hunter2';
  const careful = defineSettings({
    adminToken: z
      .string()
      .refine((value) => value.length > 20, { error: ({ input }) => `too short: ${String(input)}` }),
    marked: secret(z.string().max(3)).default('x'),
    markedThenChecked: secret(z.string()).max(3).optional(),
    databaseUrl: z.string().startsWith('postgresql://', { error: ({ input }) => `is ${String(input)}` }),
  });

  test('no error shows the value of a secret', () => {
    const env = {
      STACKYARD_ADMIN_TOKEN: canary,
      STACKYARD_MARKED: canary,
      STACKYARD_MARKED_THEN_CHECKED: canary,
      STACKYARD_DATABASE_URL: `mysql://root:${canary}@db/x`,
      STACKYARD_ADMIN_TOKN: canary,
    };
    const error = ((): unknown => {
      try {
        return careful.read({ env });
      } catch (error) {
        return error;
      }
    })() as SettingsError;
    expect(error.fields.problems.map(({ key }) => key)).toEqual([
      'STACKYARD_ADMIN_TOKN',
      'adminToken',
      'marked',
      'markedThenChecked',
      'databaseUrl',
    ]);
    expect(`${error.stack}${JSON.stringify(error)}`).not.toContain(canary);
  });
});
