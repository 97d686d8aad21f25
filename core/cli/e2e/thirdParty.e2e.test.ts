import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startRegistry, type TestRegistry } from '@stackyard/server/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redis } from './redisClient.ts';
import { until, World } from './world.ts';

/**
 * The way of a stack that nobody here wrote, from its author to its users: signed, published to a registry, installed on
 * a running server, and serving. The author is `examples/redis-stack`; Redis is Debian's.
 */
const repository = fileURLToPath(new URL('../../../', import.meta.url));
const redisIsHere = existsSync('/etc/debian_version') && existsSync('/usr/bin/redis-server');

// In CI a missing redis-server is a failure of the set-up, so the test runs there and says so.
describe.skipIf(!redisIsHere && process.env['CI'] !== 'true')('a stack of a third party (needs redis-server)', () => {
  let dir: string;
  let registry: TestRegistry;
  let world: World;

  beforeAll(async () => {
    if (!redisIsHere) throw new Error('This needs Debian with redis-server. Install the package "redis-server".');
    dir = await mkdtemp(join(tmpdir(), 'stackyard-author-'));
    registry = await startRegistry();
    const registries = [{ name: 'author', url: registry.url, scopes: ['@example'], insecure: true }];
    world = await World.start({
      stacks: [],
      hosts: ['r1', 'r2', 'r3'],
      env: { STACKYARD_SERVER_REGISTRIES: JSON.stringify(registries) },
    });
  });
  afterAll(async () => {
    await world?.close();
    await registry?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const canary = (): string => join(dir, 'an install script ran');
  const author = (): string => join(dir, 'redis');
  const key = (): string => join(dir, 'acme.key.json');
  const address = (host: string): string => world.host(host).address;

  async function stackyard(...args: readonly string[]): Promise<string> {
    const { code, output } = await world.command(args);
    if (code !== 0) throw new Error(`stackyard ${args.join(' ')} ended with ${code}:\n${output}`);
    return output;
  }

  async function refused(...args: readonly string[]): Promise<string> {
    const { code, output } = await world.command(args);
    if (code === 0) throw new Error(`stackyard ${args.join(' ')} was not refused:\n${output}`);
    return output;
  }

  async function changed(file: string, change: (text: string) => string): Promise<void> {
    const path = join(author(), file);
    await writeFile(path, change(await readFile(path, 'utf8')));
  }

  async function publish(version: string): Promise<void> {
    await changed('package.json', (text) => {
      const manifest = { ...JSON.parse(text), version, scripts: { postinstall: `touch '${canary()}'` } };
      return JSON.stringify(manifest, undefined, 2);
    });
    await rm(join(author(), 'dist'), { recursive: true, force: true });
    await stackyard('stack', 'build', author(), '--sign', key());
    await registry.npm(author(), 'publish');
  }

  test('it is signed, published, found, and installed on a running server', async () => {
    await cp(join(repository, 'examples/redis-stack'), author(), {
      recursive: true,
      filter: (path) => !/\/(dist|reports|node_modules|tsconfig.json)$/.test(path),
    });
    await symlink(join(repository, 'node_modules'), join(author(), 'node_modules'));
    const said = await stackyard('publisher', 'keygen', 'acme', '--out', key());
    await publish('0.1.0');

    expect(await stackyard('trust', 'show')).toContain('signed');
    expect(await stackyard('stack', 'search', 'redis')).toMatch(/@example\/redis +0\.1\.0/);
    expect(await refused('stack', 'install', '@example/redis', '--yes')).toContain('acme');
    const line = /^stackyard-ed25519 .*$/m.exec(said)?.[0] ?? '';
    await stackyard('publisher', 'add', line, '--scope', '@example/*');
    await stackyard('stack', 'install', '@example/redis', '--yes');
    expect(await stackyard('stack', 'list')).toMatch(/@example\/redis +0\.1\.0/);
  });

  test('it serves: what the primary is given, the replica has', async () => {
    await world.api.post('/clusters', { name: 'main', hosts: ['r1', 'r2'] });
    await stackyard('service', 'add', 'redis', '-c', 'main', '--on', 'redis_server=r1,r2', '--yes');
    expect(await redis(address('r1'), 'PING', 'SET fruit pear')).toEqual(['+PONG', '+OK']);
    await until('the replica has the value', async () => (await redis(address('r2'), 'GET fruit'))[0] === 'pear');
    expect((await redis(address('r2'), 'SET fruit plum'))[0]).toContain('READONLY');
    expect(await stackyard('action', 'run', 'redis', 'report', '-c', 'main', '--yes')).toContain('7.');
  });

  test('its second version runs beside the first, and an upgrade is taken back without losing a value', async () => {
    await changed('src/conf.ts', (text) =>
      text.replace('    saveAfter:', "    clients: p.int(500).min(1).help('Clients at once'),\n    saveAfter:"),
    );
    await changed('templates/redis.conf.hbs', (text) => `maxclients {{config.clients}}\n${text}`);
    await publish('0.2.0');
    await stackyard('stack', 'install', '@example/redis@0.2.0', '--yes');
    await world.api.post('/clusters', { name: 'other', hosts: ['r3'] });
    await stackyard('service', 'add', 'redis', '-c', 'other', '--on', 'redis_server=r3', '--yes');
    const limit = async (host: string): Promise<string | undefined> =>
      (await redis(address(host), 'CONFIG GET maxclients'))[1];
    expect([await limit('r1'), await limit('r3')]).toEqual(['10000', '500']);

    await stackyard('service', 'upgrade', 'redis', '-c', 'main', '--to', '0.2.0', '--yes');
    expect([await limit('r1'), await limit('r2')]).toEqual(['500', '500']);
    await stackyard('service', 'upgrade', 'redis', '-c', 'main', '--to', '0.1.0', '--yes');
    expect([await limit('r1'), await limit('r3')]).toEqual(['10000', '500']);
    expect(await redis(address('r1'), 'GET fruit')).toEqual(['pear']);
  });

  test('the primary that leaves hands over first, and nothing is lost', async () => {
    await stackyard('component', 'decommission', 'redis/redis_server', '-c', 'main', '--host', 'r1', '--yes');
    expect(await redis(address('r2'), 'SET nut hazel', 'GET fruit')).toEqual(['+OK', 'pear']);
  });

  test('a tarball with one byte changed is refused, and no install script ever ran', async () => {
    await publish('0.3.0');
    const tarball = join(registry.storage, '@example/redis/redis-0.3.0.tgz');
    const bytes = await readFile(tarball);
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
    await writeFile(tarball, bytes);
    expect(await refused('stack', 'install', '@example/redis@0.3.0', '--yes')).toMatch(/sha512|integrity/);
    expect(await stackyard('stack', 'list')).not.toContain('0.3.0');
    expect(existsSync(canary())).toBe(false);
  });
});
