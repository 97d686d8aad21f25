import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningKey, publicKeyLine } from '@stackyard/sdk/artifact';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { plainDefinition } from '../api/testing/stacks.ts';
import { ServerWorld } from '../api/testing/world.ts';
import { startTestPostgres, type TestPostgres, testPostgresKinds } from '../postgres/testing.ts';
import { startRegistry, type TestRegistry } from './verdaccio.fixture.ts';

let registry: TestRegistry;
let dir: string;
const acme = generateSigningKey('acme');
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-canary-'));
  registry = await startRegistry();
  await registry.publish({ name: '@private/own', version: '1.0.0', definition: plainDefinition('own') });
  await registry.publish({
    name: 'no-artifact',
    version: '1.0.0',
    definition: plainDefinition('x'),
    unbuilt: true,
    files: { 'dist/stack/.keep': '' },
  });
});
afterAll(async () => {
  await registry?.stop();
  await rm(dir, { recursive: true, force: true });
});

describe.each(testPostgresKinds())('registries, with %s PostgreSQL', (kind) => {
  let postgres: TestPostgres;
  let world: ServerWorld;
  const stack = `@acme/db-${kind}`;
  const tampered = `tampered-${kind}`;
  const publish = (version: string, services: readonly string[], manifest: object = {}): Promise<string> =>
    registry.publish({
      name: stack,
      version,
      definition: plainDefinition(...services),
      signedBy: acme,
      manifest: { description: `A database of the ${kind} tests`, ...manifest },
    });
  beforeAll(async () => {
    const canary = (name: string) => `node -e "require('fs').writeFileSync('${join(dir, name)}','')"`;
    await publish('1.0.0', ['db'], {
      dependencies: { 'no-such-package-anywhere': '1.0.0' },
      scripts: { preinstall: canary('pre'), install: canary('in'), postinstall: canary('post') },
    });
    await registry.publish({ name: tampered, version: '1.0.0', definition: plainDefinition('tampered') });
    postgres = await startTestPostgres(kind);
    const tokenFile = join(dir, `token-${kind}`);
    await writeFile(tokenFile, `${registry.token}\n`, { mode: 0o600 });
    const common = { url: registry.url, insecure: true, hosts: [] };
    world = await ServerWorld.start(await postgres.createDatabase(), {
      registries: [
        { name: 'open', scopes: [], ...common },
        { name: 'own', scopes: ['@private'], tokenFile, ...common },
        { name: 'tokenless', scopes: ['@tokenless'], ...common },
        { name: 'closed', scopes: ['@closed'], ...common, url: 'http://127.0.0.1:9' },
        { name: 'plain', scopes: ['@plain'], ...common, insecure: false },
      ],
    });
  });
  afterAll(async () => {
    await world?.close();
    await postgres?.stop();
  });

  const install = (body: object) => world.post('/stacks/install', body);
  const versionsOf = async (name: string): Promise<string[]> =>
    (await world.get(`/stacks?name=${encodeURIComponent(name)}`)).body.items.map(
      (each: { version: string }) => each.version,
    );

  test('a registry is listed without its token', async () => {
    const { body, text } = await world.get('/registries');
    expect(body.items.map((each: { name: string; hasToken: boolean }) => [each.name, each.hasToken])).toEqual([
      ['open', false],
      ['own', true],
      ['tokenless', false],
      ['closed', false],
      ['plain', false],
    ]);
    expect(text).not.toContain(registry.token);
  });

  test('a search finds stacks by words of their names and descriptions, and nothing else', async () => {
    const found = async (query: string): Promise<string[]> =>
      (await world.get(`/registries/open/stacks?query=${query}`)).body.items.map((each: { name: string }) => each.name);
    expect(await found(`database ${kind}`)).toEqual([stack]);
    expect(await found('')).toEqual(expect.arrayContaining([stack, 'no-artifact', tampered]));
    expect(await found('own')).toEqual([]);
    expect(await found('nothing-of-that-name')).toEqual([]);
  });

  test('an unsigned or unknown stack is shown and not let in before somebody trusts it', async () => {
    const { status, body } = await world.post('/stacks/install/preview', { stack });
    expect([status, body.refusal.code, body.refusal.message]).toEqual([
      200,
      'STACK_UNTRUSTED',
      expect.stringContaining('is not trusted here'),
    ]);
    expect((await install({ stack })).status).toBe(422);
    expect(await versionsOf(stack)).toEqual([]);
    const key = await world.post('/publishers', { publicKey: publicKeyLine(acme), scopes: ['@acme/*'] });
    expect(key.status).toBe(201);
  });

  test('what a preview shows is installed at once, with its origin and publisher, and no script of it runs', async () => {
    const preview = await world.post('/stacks/install/preview', { stack, version: '^1.0.0' });
    expect(preview.body).toMatchObject({
      name: stack,
      version: '1.0.0',
      state: 'new',
      registry: 'open',
      publisher: 'acme',
      basis: 'signature',
      refusal: null,
      services: [{ name: 'db', title: 'db', version: '1' }],
      newest: null,
      changes: [],
    });
    expect(await versionsOf(stack)).toEqual([]);
    const { digest } = preview.body;
    const installed = await install({ stack, version: '1.0.0', digest });
    expect([installed.status, installed.body.digest]).toEqual([201, digest]);
    expect(await versionsOf(stack)).toEqual(['1.0.0']);
    expect((await install({ stack, version: '1.0.0' })).body.state).toBe('installed');
    const [row] = await world.sql('select origin, source, publisher from stack where name = $1', [stack]);
    expect(row).toEqual({ origin: 'registry', source: registry.url, publisher: 'acme' });
    expect(['pre', 'in', 'post'].filter((name) => existsSync(join(dir, name)))).toEqual([]);
  });

  test('another digest than the one that was looked at is refused', async () => {
    const { status, body } = await install({ stack, version: '1.0.0', digest: `sha512-${'0'.repeat(128)}` });
    expect([status, body.code]).toEqual([422, 'STACK_UNTRUSTED']);
  });

  test('a newer version is told of, and stands beside the older one', async () => {
    await publish('1.1.0', ['db', 'cache']);
    const { body } = await world.post('/stacks/outdated');
    expect(body.items).toContainEqual(
      expect.objectContaining({ name: stack, installed: ['1.0.0'], newest: '1.1.0', outdated: true, problem: null }),
    );
    const preview = await world.post('/stacks/install/preview', { stack });
    expect(preview.body).toMatchObject({
      version: '1.1.0',
      newest: '1.0.0',
      changes: [
        { change: 'added', what: 'service', name: 'cache', from: null, to: '1' },
        { change: 'added', what: 'component', name: 'cache/only', from: null, to: null },
      ],
    });
    expect((await install({ stack })).status).toBe(201);
    expect((await versionsOf(stack)).toSorted()).toEqual(['1.0.0', '1.1.0']);
  });

  test('a deprecated version is shown with its message, and a plan that uses it warns', async () => {
    await registry.deprecate(`${stack}@1.1.0`, 'loses data, use 1.2');
    const versions = await world.get(`/stack-versions?stack=${encodeURIComponent(stack)}`);
    expect(versions.body.versions).toEqual([
      { version: '1.1.0', tags: ['latest'], deprecated: 'loses data, use 1.2', installed: true },
      { version: '1.0.0', tags: [], deprecated: null, installed: true },
    ]);
    const preview = await world.post('/stacks/install/preview', { stack, version: '1.1.0' });
    expect(preview.body.deprecated).toBe('loses data, use 1.2');
    const { body } = await world.post('/stacks/outdated');
    expect(body.items[0].deprecated).toEqual([{ version: '1.1.0', message: 'loses data, use 1.2' }]);
    await world.join('h1');
    await world.cluster('c', ['h1']);
    const plan = await world.post('/clusters/c/plans', {
      command: 'add',
      services: [{ service: 'cache', components: { only: ['h1'] } }],
    });
    expect([plan.status, plan.body.plan.warnings]).toEqual([
      201,
      [expect.objectContaining({ code: 'STACK_DEPRECATED', message: expect.stringContaining('loses data, use 1.2') })],
    ]);
  });

  test('a range prefers what is not deprecated', async () => {
    const { body } = await world.post('/stacks/install/preview', { stack, version: '^1.0.0', downgrade: true });
    expect(body.version).toBe('1.0.0');
  });

  test('a private scope is read with the token, and only from its registry', async () => {
    await world.send('PUT', '/trust/policy/any');
    expect((await install({ stack: '@private/own' })).body).toMatchObject({ registry: 'own', basis: 'any' });
    const elsewhere = await install({ stack: '@private/own', registry: 'open' });
    expect([elsewhere.status, elsewhere.body.code]).toEqual([409, 'REGISTRY_SCOPE']);
    const without = await install({ stack: '@tokenless/own' });
    expect(without.status).toBe(404);
  });

  test.each([
    ['@closed/x', 502, 'REGISTRY_UNREACHABLE', 'ECONNREFUSED'],
    ['@plain/x', 502, 'REGISTRY_INSECURE', 'not https'],
    ['no-such-stack', 404, 'REGISTRY_STACK_NOT_FOUND', 'has no no-such-stack'],
    ['no-artifact', 422, 'STACK_PACKAGE_EMPTY', 'before it is published'],
  ])('%s is answered with %i %s', async (name, status, code, words) => {
    const { body } = await install({ stack: name });
    expect([body.status, body.code, body.detail]).toEqual([status, code, expect.stringContaining(words)]);
  });

  test('a version that is not there is named with those that are', async () => {
    const { status, body } = await install({ stack, version: '^7' });
    expect([status, body.code, body.detail]).toEqual([
      404,
      'REGISTRY_VERSION_NOT_FOUND',
      expect.stringContaining('The newest are 1.1.0, 1.0.0'),
    ]);
  });

  test('a tarball that was changed in the storage of the registry is refused before it is read', async () => {
    const folder = join(registry.storage, tampered);
    const [file = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
    const bytes = await readFile(join(folder, file));
    bytes[bytes.length - 9]! ^= 1;
    await writeFile(join(folder, file), bytes);
    const { status, body } = await install({ stack: tampered });
    expect([status, body.code]).toEqual([422, 'REGISTRY_INTEGRITY']);
    expect(await versionsOf(tampered)).toEqual([]);
  });

  test('installing and previewing are in the audit trail, looking around is not', async () => {
    const rows = await world.sql<{ action: string }>('select distinct action from audit_entry order by action');
    const actions = rows.map(({ action }) => action);
    expect(actions).toEqual(expect.arrayContaining(['stack.install', 'stack.outdated', 'stack.preview']));
    expect(actions.filter((action) => /search|versions|list/i.test(action))).toEqual([]);
  });

  test('nothing that was fetched stays behind', async () => {
    expect(await readdir(join(world.dir, 'data/deliveries'))).toEqual([]);
  });
});
