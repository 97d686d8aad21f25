import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PackageDescriptor } from './descriptor.ts';
import { type OriginBehaviour, sha512, startOrigin } from './origin.fixture.ts';
import type { PackageProgress } from './progress.ts';
import { PackageRepository, type PackageRepositoryOptions } from './repository.ts';
import { packTarball } from './tarball.ts';

const stops: (() => Promise<void>)[] = [];
let dir: string;
let archive: Buffer;
let packed: { digest: string; size: number };
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'repository-'));
  packed = await packTarball(join(dir, 'product.tar.gz'), [
    { path: 'product-1.0/lib/a.jar', from: Buffer.from('jar') },
    { path: 'product-1.0/README', from: Buffer.from('read me') },
  ]);
  archive = await readFile(join(dir, 'product.tar.gz'));
});
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
  await rm(dir, { recursive: true, force: true });
});

test('a package is fetched once, kept by its digest, and still known after a restart', async () => {
  const { origin, descriptor } = await serve();
  const first = await (await repository()).ensure(descriptor);
  expect(first).toMatchObject({ name: 'product', version: '1.0', origin: 'url', ...packed });
  expect(await readFile(first.path)).toEqual(archive);
  const again = await repository();
  expect(await again.ensure(descriptor)).toEqual(first);
  expect(again.list()).toEqual([first]);
  expect(await again.open(first.digest)).toEqual({ path: first.path, size: packed.size });
  expect(origin.requests).toHaveLength(1);
  expect(await readdir(join(dir, 'store', 'partial'))).toEqual([]);
});

test('concurrent calls for one package share one fetch and all see its progress', async () => {
  const { origin, descriptor } = await serve({ cuts: [100] });
  const packages = await repository();
  const seen: PackageProgress[][] = [[], [], []];
  const stored = await Promise.all(
    seen.map((into) => packages.ensure(descriptor, { onProgress: (progress) => into.push(progress) })),
  );
  expect(new Set(stored.map(({ digest }) => digest)).size).toBe(1);
  expect(origin.requests).toHaveLength(2);
  expect(seen[1]).toEqual(seen[0]);
  expect(seen[0]?.at(-1)).toEqual({ phase: 'inspect', bytes: packed.size, total: packed.size });
  expect(seen[0]?.some(({ phase, bytes }) => phase === 'download' && bytes === packed.size)).toBe(true);
});

test('who gives up leaves the others alone', async () => {
  const { descriptor } = await serve();
  const packages = await repository();
  const leaver = new AbortController();
  const left = packages.ensure(descriptor, { signal: leaver.signal });
  const stayed = packages.ensure(descriptor);
  leaver.abort(new Error('left'));
  await expect(left).rejects.toThrow('left');
  expect((await stayed).digest).toBe(packed.digest);
});

test('an archive changed on disk is not served, and fetched again when it is wanted', async () => {
  const { origin, descriptor } = await serve();
  const packages = await repository();
  const { digest, path } = await packages.ensure(descriptor);
  await writeFile(path, Buffer.alloc(packed.size));
  await expect(packages.open(digest)).rejects.toThrow(/The stored archive of package product 1\.0 at .+ was removed/);
  await expect(packages.open(digest)).rejects.toMatchObject({ code: 'PACKAGE_UNKNOWN' });
  await packages.ensure(descriptor);
  await writeFile(path, 'short');
  expect(await readFile((await packages.ensure(descriptor)).path)).toEqual(archive);
  expect(origin.requests).toHaveLength(3);
});

test('an archive whose time alone moved is verified and served', async () => {
  const { origin, descriptor } = await serve();
  const packages = await repository();
  const { digest, path } = await packages.ensure(descriptor);
  await utimes(path, 1, 1);
  expect(await packages.open(digest)).toEqual({ path, size: packed.size });
  expect(origin.requests).toHaveLength(1);
});

test('a store whose index was lost or damaged fetches again', async () => {
  const { descriptor } = await serve();
  await (await repository()).ensure(descriptor);
  await writeFile(join(dir, 'store', 'index.json'), '{"format":');
  const packages = await repository();
  expect(packages.list()).toEqual([]);
  expect((await packages.ensure(descriptor)).digest).toBe(packed.digest);
});

test('a pinned content is compared, and the archive refused when it differs', async () => {
  const { descriptor } = await serve();
  const { contentDigest } = await (await repository()).ensure(descriptor);
  const packages = await repository({ dir: join(dir, 'other') });
  const digest = `sha256-${'0'.repeat(64)}`;
  await expect(packages.ensure({ ...descriptor, digest })).rejects.toThrow(
    `its content list has the digest ${contentDigest}, pinned is ${digest}`,
  );
  expect(packages.list()).toEqual([]);
  expect((await packages.ensure({ ...descriptor, digest: contentDigest })).contentDigest).toBe(contentDigest);
});

test('the second address is asked when the first has nothing', async () => {
  const { descriptor, source } = await serve();
  const gone = await serve({ answer: (_, response) => response.writeHead(404).end() });
  const mirrored = { ...descriptor, origins: { url: [gone.source, source] } };
  expect((await (await repository()).ensure(mirrored)).digest).toBe(packed.digest);
  expect(gone.origin.requests).toHaveLength(1);
});

test('auto turns to Maven at once when there is no way out, and remembers it', async () => {
  const { descriptor, origin } = await serve();
  await origin.stop();
  const maven = { artifacts: ['g:a:1'] };
  const packages = await repository({ origin: 'auto', mavenCommand: 'no-such-mvn' });
  const both = { ...descriptor, origins: { ...descriptor.origins, maven } };
  // That it is Maven which is missing shows that the address was given up.
  await expect(packages.ensure(both)).rejects.toMatchObject({ code: 'PACKAGE_MAVEN_MISSING' });
  await expect(packages.ensure(descriptor)).rejects.toMatchObject({ code: 'PACKAGE_UNREACHABLE' });
  const back = await startOrigin(archive, { port: Number(new URL(origin.url).port) });
  stops.push(back.stop);
  await expect(packages.ensure(descriptor)).rejects.toMatchObject({ code: 'PACKAGE_UNREACHABLE' });
  expect(back.requests).toEqual([]);
  const url = await repository({ origin: 'url' });
  expect((await url.ensure(both)).origin).toBe('url');
});

test('a wrong checksum is refused, whatever other origin there is', async () => {
  const { descriptor, origin } = await serve();
  const origins = { url: [{ url: origin.url, sha512: '0'.repeat(128) }], maven: { artifacts: ['g:a:1'] } };
  const packages = await repository({ mavenCommand: 'no-such-mvn' });
  await expect(packages.ensure({ ...descriptor, origins })).rejects.toMatchObject({ code: 'PACKAGE_CHECKSUM' });
});

test('an archive that is none is refused and not kept', async () => {
  archive = Buffer.from('<html>');
  const { descriptor } = await serve();
  const packages = await repository();
  await expect(packages.ensure(descriptor)).rejects.toMatchObject({ code: 'PACKAGE_ARCHIVE' });
  expect(await readdir(join(dir, 'store', 'partial'))).toEqual([]);
  expect(await readdir(join(dir, 'store', 'archives'))).toEqual([]);
});

test('what broke off more than a day ago is cleared away, what is younger or known stays', async () => {
  const { descriptor } = await serve();
  const packages = await repository();
  const { path } = await packages.ensure(descriptor);
  const dayBefore = Date.now() / 1000 - 90_000;
  for (const name of ['partial/old', 'partial/new', 'staging/old', 'archives/sha256-orphan.tar.gz'])
    await writeFile(join(dir, 'store', name), '');
  for (const old of ['partial/old', 'staging/old', 'archives/sha256-orphan.tar.gz'])
    await utimes(join(dir, 'store', old), dayBefore, dayBefore);
  await utimes(path, dayBefore, dayBefore);
  await packages.sweep();
  const left = await readdir(join(dir, 'store'), { recursive: true });
  expect(left.filter((name) => name.includes('/')).sort()).toEqual([`archives/${packed.digest}.tar.gz`, 'partial/new']);
});

async function repository(options: Partial<PackageRepositoryOptions> = {}): Promise<PackageRepository> {
  return PackageRepository.open({ dir: join(dir, 'store'), origin: 'auto', ...options });
}

async function serve(behaviour?: OriginBehaviour) {
  const origin = await startOrigin(archive, behaviour);
  stops.push(origin.stop);
  const source = { url: origin.url, sha512: sha512(archive) };
  const descriptor: PackageDescriptor = { name: 'product', version: '1.0', origins: { url: [source] } };
  return { origin, source, descriptor };
}
