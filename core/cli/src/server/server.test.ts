import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CliError } from '../errors.ts';
import { readServerSettings, registriesOf } from './run.ts';
import { contentDigest, folderOf, stackFiles } from './stackFiles.ts';

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'stackyard-server-'))));
afterAll(async () => rm(dir, { recursive: true, force: true }));

test('flags win over the environment, that over the file, that over what is usual', async () => {
  const file = join(dir, 'server.yaml');
  await writeFile(file, 'http: { port: 1001 }\nagents: { port: 1002 }\npackages: { origin: url }\n');
  const env = {
    STACKYARD_SERVER_AGENTS_PORT: '2002',
    STACKYARD_SERVER_PACKAGES_ORIGIN: 'maven',
    DATABASE_URL: 'postgres://u@db/x',
  };
  const settings = readServerSettings({ config: file, packageOrigin: 'auto', dataDir: '/srv' }, env);
  expect(settings).toMatchObject({
    dataDir: '/srv',
    databaseUrl: 'postgres://u@db/x',
    http: { host: '127.0.0.1', port: 1001 },
    agents: { port: 2002 },
    packages: { origin: 'auto' },
    plugins: ['@stackyard/plugin-prometheus', '@stackyard/plugin-ssh'],
    stacks: ['@stack/zookeeper'],
  });
});

test('a Java for hosts that have none is named by its version and archives', async () => {
  const file = join(dir, 'java.yaml');
  const url = `https://mirror.example/jre.tar.gz`;
  await writeFile(
    file,
    `packages: { javaRuntime: { version: 21.0.8, url: [{ url: '${url}', sha512: ${'a'.repeat(128)} }] } }`,
  );
  expect(readServerSettings({ config: file }, {}).packages.javaRuntime).toMatchObject({
    version: '21.0.8',
    url: [{ url }],
  });
  await writeFile(file, `packages: { javaRuntime: { version: ../21, url: [{ url: 'ftp://x', sha512: abc }] } }`);
  expect(() => readServerSettings({ config: file }, {})).toThrow(
    /use the version of Java[\s\S]*https[\s\S]*128 hex digits/,
  );
});

test('every wrong setting is told at once, with where it came from; the API stays on this machine', () => {
  const env = { STACKYARD_SERVER_HTTP_HOST: '0.0.0.0', STACKYARD_SERVER_PORT: '1' };
  const wrong = () => readServerSettings({ packageOrigin: 'ftp', dataDir: dir }, env);
  expect(wrong).toThrow(CliError);
  expect(wrong).toThrow(/use a loopback address[\s\S]*|packages\.origin[\s\S]*/);
  expect(wrong).toThrow(/STACKYARD_SERVER_PORT/);
});

test.each([
  [
    { LEASE_MS: '6000' },
    'liveness.leaseMs is 6000, which is too short for a heartbeat every 5000 ms. Use 12000 or more.',
  ],
  [{ LOST_AFTER_MS: '20000' }, 'liveness.lostAfterMs is 20000, shorter than the lease. Use 30000 or more.'],
  [{ HEARTBEAT_MS: '10' }, 'liveness.heartbeatMs'],
])('a lease that no agent could keep is refused: %j', (given, sentence) => {
  const env = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [`STACKYARD_SERVER_LIVENESS_${name}`, value]),
  );
  expect(() => readServerSettings({ dataDir: dir }, env)).toThrow(sentence);
});

test('a stack is found as a folder or as an installed package, and a missing one is told', async () => {
  expect(folderOf('@stack/zookeeper')).toMatch(/zookeeper$/);
  expect(() => folderOf('@stack/nothing')).toThrow(
    'There is no stack @stack/nothing: neither a folder with a package.json nor an installed package is called so.',
  );
  await expect(stackFiles(['/nowhere/x.tgz'], dir)).rejects.toThrow('There is no stack artifact /nowhere/x.tgz.');
});

test('only what can end up in the artifact changes the digest of a stack', async () => {
  const folder = join(dir, 'stack');
  await mkdir(join(folder, 'src'), { recursive: true });
  await mkdir(join(folder, 'node_modules'), { recursive: true });
  await writeFile(join(folder, 'src/index.ts'), 'export {}');
  const before = await contentDigest(folder);
  await writeFile(join(folder, 'node_modules/x.js'), '1');
  await writeFile(join(folder, 'src/index.test.ts'), '1');
  expect(await contentDigest(folder)).toBe(before);
  await writeFile(join(folder, 'src/index.ts'), 'export default 1');
  expect(await contentDigest(folder)).not.toBe(before);
});

test('a registry is https unless it is said to be insecure, and errors show no token', async () => {
  const registries = (...named: object[]) => ({ STACKYARD_SERVER_REGISTRIES: JSON.stringify(named) });
  const read = (...named: object[]) => readServerSettings({}, registries(...named)).registries;
  expect(read({ name: 'corp', url: 'https://npm.example.com/', scopes: ['@acme'], tokenFile: '/t' })).toEqual([
    { name: 'corp', url: 'https://npm.example.com/', scopes: ['@acme'], tokenFile: '/t', insecure: false, hosts: [] },
  ]);
  expect(read({ name: 'own', url: 'http://127.0.0.1:4873', insecure: true })).toHaveLength(1);
  const wrong: [object, string][] = [
    [{ name: 'a', url: 'http://npm.example.com' }, 'insecure: true'],
    [{ name: 'a', url: 'ftp://npm.example.com' }, 'https://'],
    [{ name: 'a', url: 'https://user:hunter2@npm.example.com' }, 'token or tokenFile'],
    [{ name: 'a', url: 'https://a', token: 'hunter2', tokenFile: '/t' }, 'leave one out'],
    [{ name: 'a', url: 'https://a', scopes: ['acme'] }, 'use a scope'],
    [{ name: 'A b', url: 'https://a' }, 'lower-case'],
  ];
  for (const [registry, words] of wrong) {
    expect(() => read(registry)).toThrow(words);
    expect(() => read(registry)).not.toThrow('hunter2');
  }
});

test("without registries the one that npm's own configuration names is asked, when it is https", () => {
  const usual = (url: string) => registriesOf([], { npm_config_registry: url });
  expect(usual('https://npm.example.com/')).toMatchObject([{ name: 'npm', url: 'https://npm.example.com/' }]);
  expect(usual('http://npm.example.com/')).toEqual([]);
  expect(usual('https://user:secret@npm.example.com/')).toEqual([]);
  expect(registriesOf([], {})).toEqual([]);
  const [named] = usual('https://npm.example.com/');
  expect(() => registriesOf([named!, named!], {})).toThrow('two are called npm');
});
