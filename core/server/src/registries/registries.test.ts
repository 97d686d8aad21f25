import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Registries } from './registries.ts';
import type { RegistrySettings } from './settings.ts';

const content = Buffer.from('a tarball');
const integrity = `sha512-${createHash('sha512').update(content).digest('base64')}`;
const stops: (() => void)[] = [];
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-registries-'));
});
afterEach(async () => {
  for (const stop of stops.splice(0)) stop();
  await rm(dir, { recursive: true, force: true });
});

interface Heard {
  readonly url: string;
  readonly authorization: string | undefined;
}

async function server(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const heard: Heard[] = [];
  const listening = createServer((request, response) => {
    heard.push({ url: request.url ?? '', authorization: request.headers.authorization });
    answer(request, response);
  });
  await new Promise<void>((done) => void listening.listen(0, '127.0.0.1', done));
  stops.push(() => {
    listening.closeAllConnections();
    listening.close();
  });
  const host = `127.0.0.1:${(listening.address() as AddressInfo).port}`;
  return { host, url: `http://${host}`, heard };
}

/** A registry with one version of `x`, whose tarball lies where it says. */
function registry(tarball: () => string, more: { integrity?: string } = { integrity }) {
  return server((request, response) => {
    if (request.url === '/x.tgz') response.end(content);
    else if (request.url === '/x')
      response.end(
        JSON.stringify({
          name: 'x',
          'dist-tags': { latest: '1.0.0' },
          versions: { '1.0.0': { version: '1.0.0', dist: { tarball: tarball(), ...more } } },
        }),
      );
    else response.writeHead(404).end('{}');
  });
}

const registries = (...named: (Partial<RegistrySettings> & { url: string })[]) =>
  new Registries({
    registries: named.map((each, at) => ({ name: `r${at}`, scopes: [], insecure: true, hosts: [], ...each })),
    dir,
  });
const { signal } = new AbortController();

test('a tarball of its own host is fetched, with the token', async () => {
  const own = await registry(() => `${own.url}/x.tgz`);
  const { file, registry: name } = await registries({ url: own.url, token: 'secret' }).fetch('x', {
    wanted: '^1',
    signal,
  });
  expect([await readFile(file), name]).toEqual([content, 'r0']);
  expect(own.heard.map(({ authorization }) => authorization)).toEqual(['Bearer secret', 'Bearer secret']);
});

test('a tarball on another host is not asked for, unless the operator has named the host; the token stays', async () => {
  const other = await server((_, response) => response.end(content));
  const own = await registry(() => `${other.url}/x.tgz`);
  const asked = { wanted: 'latest', signal };
  await expect(registries({ url: own.url, token: 'secret' }).fetch('x', asked)).rejects.toMatchObject({
    code: 'REGISTRY_INSECURE',
    message: expect.stringContaining('which is another host'),
  });
  expect(other.heard).toEqual([]);
  await registries({ url: own.url, token: 'secret', hosts: [other.host] }).fetch('x', asked);
  expect(other.heard).toEqual([{ url: '/x.tgz', authorization: undefined }]);
});

test.each(['file:///etc/passwd', 'http://user:pw@HOST/x.tgz', 'ftp://HOST/x.tgz', 'https://169.254.169.254/x'])(
  'a tarball at %s is not asked for, and nothing is left',
  async (address) => {
    const own = await registry(() => address.replace('HOST', own.host));
    await expect(registries({ url: own.url }).fetch('x', { wanted: 'latest', signal })).rejects.toMatchObject({
      code: 'REGISTRY_INSECURE',
    });
    expect(await readdir(dir)).toEqual([]);
  },
);

test('a redirect to another host is not followed', async () => {
  const inner = await server((_, response) => response.end('{}'));
  const own = await server((_, response) => response.writeHead(302, { location: `${inner.url}/x` }).end());
  await expect(registries({ url: own.url }).packument('x', { signal })).rejects.toMatchObject({
    code: 'REGISTRY_INSECURE',
  });
  expect(inner.heard).toEqual([]);
});

test('http is not spoken unless it is allowed', async () => {
  const own = await registry(() => '');
  await expect(registries({ url: own.url, insecure: false }).packument('x', { signal })).rejects.toThrow('not https');
  expect(own.heard).toEqual([]);
});

test.each([
  ['another sha512', `sha512-${'A'.repeat(86)}==`],
  ['sha1 only', 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk='],
  ['none at all', undefined],
])('with %s the tarball is refused, and nothing is left', async (_, stated) => {
  const own = await registry(() => `${own.url}/x.tgz`, stated === undefined ? {} : { integrity: stated });
  await expect(registries({ url: own.url }).fetch('x', { wanted: 'latest', signal })).rejects.toMatchObject({
    code: 'REGISTRY_INTEGRITY',
  });
  expect(await readdir(dir)).toEqual([]);
});

test('a list of versions of another package, or none, is refused', async () => {
  for (const [text, words] of [
    [JSON.stringify({ name: 'y', versions: {} }), 'something else as versions'],
    ['<html>', 'sends no JSON'],
  ] as const) {
    const own = await server((_, response) => response.end(text));
    await expect(registries({ url: own.url }).packument('x', { signal })).rejects.toThrow(words);
  }
});

test('an answer without end is given up', async () => {
  const own = await server((_, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(1_048_576, ' ')));
    };
    response.on('drain', more);
    more();
  });
  await expect(registries({ url: own.url }).packument('x', { signal })).rejects.toMatchObject({
    code: 'REGISTRY_TOO_LARGE',
  });
});

test.each([
  [401, undefined, 'it wants a token'],
  [403, 'wrong', 'is not accepted'],
])('%i says what is wrong with the token', async (status, token, words) => {
  const own = await server((_, response) => response.writeHead(status).end('{}'));
  const refused = registries({ url: own.url, ...(token && { token }) }).packument('x', { signal });
  await expect(refused).rejects.toMatchObject({ code: 'REGISTRY_ACCESS', message: expect.stringContaining(words) });
});

test('a scope comes from its own registry and from no other', () => {
  const some = registries(
    { url: 'https://a', scopes: ['@acme'] },
    { url: 'https://b' },
    { url: 'https://c', scopes: ['@c'] },
  );
  expect(some.choose('@acme/x').name).toBe('r0');
  expect(some.choose('@other/x').name).toBe('r1');
  expect(some.choose('x').name).toBe('r1');
  expect(() => some.choose('@acme/x', 'r1')).toThrow('comes from the registry r0 only');
  expect(() => some.choose('x', 'r2')).toThrow('not of a scope that the registry r2 is named for');
  expect(() => some.choose('x', 'r9')).toThrow('There is no registry r9');
  expect(() => registries().choose('x')).toThrow('the server names no registry');
});
