import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  generateSigningKey,
  publicKeyLine,
  signArtifact,
  signaturesText,
  artifactDigest,
} from '@stackyard/sdk/artifact';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildTestStack } from '../api/testing/stacks.ts';
import { ServerWorld } from '../api/testing/world.ts';
import { sha512, startOrigin } from '../packages/origin.fixture.ts';
import { packTarball } from '../packages/tarball.ts';
import { startTestPostgres, type TestPostgres, testPostgresKinds } from '../postgres/testing.ts';
import { filesOf, tarOf } from './tarFile.ts';

const acme = generateSigningKey('acme');

/** A service whose product lies at other addresses for other processors. */
const definition = (sources: readonly { url: string; sha512: string; arch: string }[]): string => `
import { defineComponent, defineService, defineStack, jdk } from '@stackyard/sdk';
const lifecycle = { start: () => undefined, stop: () => undefined };
const only = defineComponent('only', { title: 'Only', category: 'server', cardinality: '0+', lifecycle });
export default defineStack({ services: [defineService('db', { title: 'Db', version: '1', user: 'db', components: [only],
  requires: [jdk('>=17')], packages: [{ name: 'product', version: '1.0', origins: { url: ${JSON.stringify(sources)} } }] })] });
`;

describe.each(testPostgresKinds())('bundles, with %s PostgreSQL', (kind) => {
  let dir: string;
  let postgres: TestPostgres;
  let near: ServerWorld;
  /** Has no registry, and its origin of packages is gone before it sees the bundle. */
  let far: ServerWorld;
  let file: string;
  const stops: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'stackyard-bundles-'));
    postgres = await startTestPostgres(kind);
    const offered = async (path: string, arch: 'x64' | 'arm64') => {
      const archive = join(dir, `${path.split('/')[0]}-${arch}.tar.gz`);
      await packTarball(archive, [{ path, from: Buffer.from(arch) }]);
      const bytes = await readFile(archive);
      const origin = await startOrigin(bytes);
      stops.push(origin.stop);
      return { url: origin.url, sha512: sha512(bytes), arch };
    };
    const sources = [await offered('product-1.0/bin', 'x64'), await offered('product-1.0/bin', 'arm64')];
    const javaSources = [await offered('jre/bin/java', 'x64'), await offered('jre/bin/java', 'arm64')];
    const java = { name: 'java-runtime', version: '21.0.8', origins: { url: javaSources } };
    const packages = { origin: 'url', javaRuntime: java } as const;
    near = await ServerWorld.start(await postgres.createDatabase(), { packages });
    far = await ServerWorld.start(await postgres.createDatabase(), { packages });
    const artifact = await buildTestStack(dir, { name: 'db', definition: definition(sources) });
    const digest = artifactDigest(await readFile(artifact));
    const signatures = signaturesText([signArtifact({ package: '@stack/db', version: '1.0.0', digest }, acme)]);
    for (const world of [near, far])
      await world.post('/publishers', { publicKey: publicKeyLine(acme), scopes: ['@stack/*'] });
    await upload(near, '/stacks', await packaged(artifact, signatures));
    file = join(dir, 'bundle.tar');
  });
  afterAll(async () => {
    await near?.close();
    await far?.close();
    await postgres?.stop();
    await Promise.all(stops.map((stop) => stop()));
    await rm(dir, { recursive: true, force: true });
  });

  async function packaged(artifact: string, signatures: string): Promise<Buffer> {
    const path = join(dir, 'package.tgz');
    await packTarball(path, [
      { path: 'package/dist/stack/db.tgz', from: artifact },
      { path: 'package/dist/stack/db.tgz.sig.json', from: Buffer.from(signatures) },
    ]);
    return readFile(path);
  }

  async function upload(world: ServerWorld, path: string, body: Buffer | string) {
    const isBundle = typeof body === 'string';
    const answer = await fetch(`${world.server.url}/api/v1${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${world.server.token}`,
        'content-type': isBundle ? 'application/x-tar' : 'application/octet-stream',
      },
      body: (isBundle ? Readable.toWeb(createReadStream(body)) : new Uint8Array(body)) as never,
      duplex: 'half',
    });
    // What a test reads of an answer differs from test to test; a wrong guess fails the test.
    // oxlint-disable-next-line no-explicit-any
    return { status: answer.status, body: (await answer.json()) as any };
  }

  async function create(target: string, architectures: readonly string[], more: object = {}): Promise<void> {
    const answer = await fetch(`${near.server.url}/api/v1/bundles`, {
      method: 'POST',
      headers: { authorization: `Bearer ${near.server.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ stacks: [{ name: '@stack/db' }], packages: true, architectures, ...more }),
    });
    if (!answer.ok || !answer.body) throw new Error(await answer.text());
    expect(answer.headers.get('content-type')).toBe('application/x-tar');
    await pipeline(Readable.fromWeb(answer.body as never), createWriteStream(target));
  }

  /** The bundle with some of its files replaced, and its manifest as it was. */
  async function altered(change: (path: string, content: Buffer) => Buffer | undefined): Promise<string> {
    const files = [];
    for await (const { path, content } of filesOf(createReadStream(file))) {
      const parts = [];
      for await (const part of content) parts.push(part);
      const changed = change(path, Buffer.concat(parts));
      if (changed) files.push({ path, size: changed.length, from: changed });
    }
    const target = join(dir, 'altered.tar');
    await pipeline(Readable.from(tarOf(files)), createWriteStream(target));
    return target;
  }

  const stacksOf = async (world: ServerWorld): Promise<number> => (await world.get('/stacks')).body.items.length;

  test('the same contents give the same bytes', async () => {
    await create(file, ['x64', 'arm64']);
    await create(join(dir, 'again.tar'), ['arm64', 'x64']);
    await create(join(dir, 'withJava.tar'), ['x64'], { java: true });
    const digest = async (path: string) =>
      createHash('sha512')
        .update(await readFile(path))
        .digest('hex');
    expect(await digest(join(dir, 'again.tar'))).toBe(await digest(file));
    // From here on there is no origin to ask.
    await Promise.all(stops.splice(0).map((stop) => stop()));
  });

  test.each([
    ['a changed part', (path: string, content: Buffer) => (path.startsWith('package/') ? flipped(content) : content)],
    ['a missing part', (path: string, content: Buffer) => (path.startsWith('signatures/') ? undefined : content)],
    ['something in front', (path: string, content: Buffer) => (path === 'bundle.json' ? undefined : content)],
    [
      'a manifest that is none',
      (path: string, content: Buffer) => (path === 'bundle.json' ? Buffer.from('{}') : content),
    ],
  ])('with %s nothing of it is used and nothing is left', async (_, change) => {
    const { status, body } = await upload(far, '/bundle-imports', await altered(change));
    expect([status, body.code]).toEqual([422, 'BUNDLE_INVALID']);
    expect(await stacksOf(far)).toBe(0);
    expect(await readdir(join(far.dir, 'data/bundles')).catch(() => [])).toEqual([]);
  });

  test('one that is cut off is refused', async () => {
    const cut = join(dir, 'cut.tar');
    await writeFile(cut, (await readFile(file)).subarray(0, -4_000));
    expect((await upload(far, '/bundle-imports', cut)).body.code).toBe('BUNDLE_INVALID');
  });

  test('a package that no stack in it describes is refused', async () => {
    const other = await altered((path, content) => {
      if (path !== 'bundle.json') return content;
      return Buffer.from(content.toString().replaceAll('"name": "product"', '"name": "another"'));
    });
    const { body } = await upload(far, '/bundle-imports', other);
    expect([body.code, body.detail]).toEqual([
      'BUNDLE_INVALID',
      expect.stringContaining('which no stack in it describes'),
    ]);
  });

  test('a preview changes nothing, an import brings stack, signature and packages, and once more is no change', async () => {
    const sent = await upload(far, '/bundle-imports', file);
    expect([sent.status, sent.body]).toMatchObject([
      201,
      {
        stacks: [{ name: '@stack/db', state: 'new', publisher: 'acme', refusal: null }],
        packages: [
          { name: 'product', version: '1.0', present: false },
          { name: 'product', version: '1.0', present: false },
        ],
      },
    ]);
    expect(sent.body.packages.map((each: { architectures: string[] }) => each.architectures[0]).toSorted()).toEqual([
      'arm64',
      'x64',
    ]);
    expect(await stacksOf(far)).toBe(0);
    const imported = await far.post(`/bundle-imports/${sent.body.id}/execute`, {});
    expect(imported.status).toBe(200);
    const [row] = await far.sql('select origin, publisher, basis from stack');
    expect(row).toEqual({ origin: 'bundle', publisher: 'acme', basis: 'signature' });
    const again = await upload(far, '/bundle-imports', file);
    expect(again.body.stacks[0].state).toBe('installed');
    expect(again.body.packages.map((each: { present: boolean }) => each.present)).toEqual([true, true]);
    expect((await far.post(`/bundle-imports/${again.body.id}/execute`, {})).status).toBe(200);
    expect(await stacksOf(far)).toBe(1);
    expect((await far.post(`/bundle-imports/${again.body.id}/execute`, {})).body.code).toBe('BUNDLE_NOT_FOUND');
  });

  test('Java for hosts that have none comes along where it is asked for, and is left alone by a server with another', async () => {
    const withJava = join(dir, 'withJava.tar');
    const names = (body: { packages: { name: string; present: boolean }[] }) =>
      body.packages.map(({ name, present }) => `${name} ${present ? 'there' : 'new'}`).toSorted();
    const sent = await upload(far, '/bundle-imports', withJava);
    expect(names(sent.body)).toEqual(['java-runtime new', 'product there']);
    expect((await far.post(`/bundle-imports/${sent.body.id}/execute`, {})).status).toBe(200);
    const again = await upload(far, '/bundle-imports', withJava);
    expect(names(again.body)).toEqual(['java-runtime there', 'product there']);
    await far.restart({ packages: { origin: 'maven' } });
    const other = await upload(far, '/bundle-imports', withJava);
    expect(names(other.body)).toEqual(['product there']);
    await far.restart();
  });

  test('what was imported runs although nothing can be fetched', async () => {
    await far.join('h1');
    await far.cluster('c', ['h1']);
    const job = await far.run('c', { command: 'add', services: [{ service: 'db', components: { only: ['h1'] } }] });
    expect(job.state).toBe('SUCCESSFUL');
  });

  test('one that is given up is gone, and no more than a few may wait', async () => {
    const sent = [];
    for (let count = 0; count < 4; count += 1)
      sent.push((await upload(far, '/bundle-imports', file)).body.id as string);
    expect((await upload(far, '/bundle-imports', file)).body.code).toBe('BUNDLE_LIMIT');
    for (const id of sent) expect((await far.send('DELETE', `/bundle-imports/${id}`)).status).toBe(204);
    expect(await readdir(join(far.dir, 'data/bundles'))).toEqual([]);
  });

  test('JSON where bytes belong, and bytes where JSON belongs, are refused', async () => {
    expect((await far.post('/bundle-imports', { a: 1 })).status).toBe(415);
    const wrong = await upload(far, '/bundles', file);
    expect([wrong.status, wrong.body.code]).toEqual([415, 'MEDIA_TYPE']);
  });
});

function flipped(content: Buffer): Buffer {
  const copy = Buffer.from(content);
  copy[copy.length - 1]! ^= 1;
  return copy;
}
