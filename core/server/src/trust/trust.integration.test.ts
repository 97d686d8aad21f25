import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { createLogger, systemClock } from '@stackyard/kernel';
import {
  artifactDigest,
  generateSigningKey,
  packTarball,
  publicKeyLine,
  signArtifact,
  signaturesText,
  type SigningKey,
} from '@stackyard/sdk/artifact';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { beginEpoch, type Database, openDatabase, Stack, StackPin } from '../database/index.ts';
import { Writer } from '../engine/writer/writer.ts';
import { startTestPostgres, type TestPostgres } from '../postgres/testing.ts';
import { type Installation, DatabaseStackStore } from '../stacks/store.ts';
import { KeyKnownError, KeyLineError, KeyStateError, PublisherScopesError } from './errors.ts';
import { Trust } from './trust.ts';

let postgres: TestPostgres;
let db: Database;
let dir: string;
let trust: Trust;
let store: DatabaseStackStore;
const acme = generateSigningKey('acme');

beforeAll(async () => {
  postgres = await startTestPostgres('embedded');
  const reports = join(import.meta.dirname, '../../reports');
  await mkdir(reports, { recursive: true });
  dir = await mkdtemp(join(reports, 'trust-'));
});
beforeEach(async () => {
  db = await openDatabase({ url: await postgres.createDatabase() });
  const { epoch } = await beginEpoch(db);
  const log = createLogger({ level: 'silent' });
  const writer = new Writer({ db, epoch, log, clock: systemClock, onFenced: () => undefined });
  trust = new Trust({ em: () => db.em(), transactions: writer });
  store = new DatabaseStackStore({
    em: () => db.em(),
    transactions: writer,
    dir: await mkdtemp(join(dir, 'artifacts-')),
    check: () => undefined,
    trust,
  });
  return async () => {
    await writer.stop();
    await db.close();
  };
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
  await postgres?.stop();
});

const file = (path: string, text: string) => ({ path, content: Buffer.from(text), executable: false });

/** An artifact without services; its note tells contents apart. */
async function artifact(version = '1.0.0', note = '', name = '@acme/db') {
  const manifest = { format: 1, name, version, sdk: '0.1.0', title: 'Db', services: [] };
  const bytes = packTarball([file('manifest.json', JSON.stringify(manifest)), file('templates/note.hbs', note)]);
  const path = join(await mkdtemp(join(dir, 'built-')), 'a.tgz');
  await writeFile(path, bytes);
  const digest = artifactDigest(bytes);
  const sign = (key: SigningKey) => signaturesText([signArtifact({ package: name, version, digest }, key)]);
  return { path, digest, bytes, sign };
}

const install = (path: string, more: Partial<Installation> = {}) =>
  store.install({ file: path, origin: 'tarball', by: 'tester', ...more });
const trustAcme = () => trust.addKey(publicKeyLine(acme), ['@acme/*'], 'tester');
const rule = (code: string) => expect.objectContaining({ fields: expect.objectContaining({ rule: code }) });

describe('what is let in', () => {
  test('is signed by a trusted publisher unless somebody says otherwise, and where it came from is kept', async () => {
    const { path, digest, sign } = await artifact();
    await expect(install(path)).rejects.toEqual(rule('UNSIGNED'));
    await expect(install(path, { signatures: sign(acme) })).rejects.toEqual(rule('UNKNOWN_PUBLISHER'));
    await trustAcme();
    await writeFile(`${path}.sig.json`, sign(acme));
    await install(path, { source: 'https://example.org' });
    expect(await db.em().findOneOrFail(Stack, { digest })).toMatchObject({
      origin: 'tarball',
      source: 'https://example.org',
      basis: 'signature',
      publisher: 'acme',
      keyId: acme.keyId,
      installedBy: 'tester',
    });
  });

  test('is what stands on the list, or anything, when the policy says so', async () => {
    const [one, two] = [await artifact('1.0.0'), await artifact('1.1.0')];
    await trust.setPolicy('allow-listed', 'tester');
    await expect(install(one.path)).rejects.toEqual(rule('NOT_LISTED'));
    const { id } = await trust.allow({ digest: one.digest }, 'tried', 'tester');
    await install(one.path);
    await trust.disallow(id, 'tester');
    await trust.allow({ package: '@acme/db', version: '1.1.0' }, '', 'tester');
    await expect(install(two.path)).rejects.toEqual(rule('NOT_LISTED'));
    await install(two.path, { claimed: { name: '@acme/db', version: '1.1.0' } });
    const three = await artifact('1.2.0');
    await trust.setPolicy('any', 'tester');
    await install(three.path);
    expect((await store.list()).map(({ basis }) => basis)).toEqual(['allow-list', 'allow-list', 'any']);
  });

  test('is what the configuration of the server names, under every policy', async () => {
    const { path } = await artifact();
    expect(await install(path, { origin: 'configuration' })).toMatchObject({ basis: 'configuration' });
  });
});

describe('what is refused', () => {
  test('one flipped byte of artifact or signature, before anything is parsed', async () => {
    await trustAcme();
    const { path, bytes, sign, digest } = await artifact();
    const signatures = Buffer.from(sign(acme));
    for (let n = 0; n < 40; n++) {
      const changed = Buffer.from(bytes);
      const at = Math.floor((n * bytes.length) / 40);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await writeFile(path, changed);
      await expect(install(path, { signatures: signatures.toString() })).rejects.toEqual(rule('OTHER_ARTIFACT'));
      await expect(install(path, { digest })).rejects.toEqual(rule('OTHER_ARTIFACT'));
    }
    await writeFile(path, bytes);
    for (let at = signatures.indexOf('"signature"') + 14; at < signatures.length - 8; at += 7) {
      const changed = Buffer.from(signatures);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await expect(install(path, { signatures: changed.toString() })).rejects.toThrow(
        /is not let in|signatures cannot be read/,
      );
    }
    expect(await db.em().count(Stack)).toBe(0);
  });

  test('what a revoked key has signed, under every policy; what a retired one has signed is let in', async () => {
    await trustAcme();
    const { path, sign, digest } = await artifact();
    await trust.setKeyState(acme.keyId, 'retired', 'tester');
    await install(path, { signatures: sign(acme) });
    expect(await store.revoked()).toEqual(new Map());
    await trust.setKeyState(acme.keyId, 'revoked', 'tester');
    await trust.setPolicy('any', 'tester');
    const next = await artifact('1.1.0');
    for (const origin of ['tarball', 'configuration'] as const)
      await expect(install(next.path, { origin, signatures: next.sign(acme) })).rejects.toEqual(rule('REVOKED_KEY'));
    expect((await trust.keyStates()).get(acme.keyId)).toBe('revoked');
    expect([...(await store.revoked())]).toEqual([[digest, { publisher: 'acme', keyId: acme.keyId }]]);
  });

  test('a signature that was taken away, unless somebody says so', async () => {
    await trustAcme();
    const signed = await artifact('1.0.0');
    await install(signed.path, { signatures: signed.sign(acme) });
    await trust.setPolicy('any', 'tester');
    const stripped = await artifact('1.1.0');
    await expect(install(stripped.path)).rejects.toEqual(rule('STRIPPED'));
    await expect(install(stripped.path, { origin: 'configuration' })).rejects.toEqual(rule('STRIPPED'));
    await install(stripped.path, { allow: { unsigned: true } });
  });

  test('other contents of a version, for ever: also when the version is gone', async () => {
    await trustAcme();
    const [first, second] = [await artifact('1.0.0', 'first'), await artifact('1.0.0', 'second')];
    await install(first.path, { signatures: first.sign(acme) });
    await db.em().nativeDelete(Stack, {});
    await expect(install(second.path, { signatures: second.sign(acme) })).rejects.toEqual(rule('PINNED'));
    expect(await db.em().find(StackPin, {})).toMatchObject([{ digest: first.digest, publisher: 'acme' }]);
  });

  test('other contents of a development version, unless somebody says so', async () => {
    await trust.setPolicy('any', 'tester');
    const [first, second] = [await artifact('1.0.0', 'first'), await artifact('1.0.0', 'second')];
    await install(first.path);
    await expect(install(second.path)).rejects.toEqual(rule('PINNED'));
    expect(await install(second.path, { allow: { replace: true } })).toMatchObject({ digest: second.digest });
    expect((await store.list()).map(({ digest }) => digest)).toEqual([second.digest]);
  });

  test('an older version, unless somebody says so', async () => {
    await trust.setPolicy('any', 'tester');
    const [newer, older] = [await artifact('1.10.0'), await artifact('1.9.0')];
    await install(newer.path);
    await expect(install(older.path)).rejects.toEqual(rule('DOWNGRADE'));
    await install(older.path, { allow: { downgrade: true } });
  });

  test('another package than was asked for', async () => {
    await trust.setPolicy('any', 'tester');
    const { path } = await artifact('1.0.0', '', 'acme-db');
    const claimed = { name: '@acme/db', version: '1.0.0' };
    await expect(install(path, { claimed })).rejects.toEqual(rule('NOT_AS_CLAIMED'));
  });

  test('leaves no file behind', async () => {
    const folder = await mkdtemp(join(dir, 'empty-'));
    const { path } = await artifact();
    const lone = new DatabaseStackStore({
      em: () => db.em(),
      transactions: { run: () => Promise.reject(new Error('It was stored.')) },
      dir: folder,
      check: () => undefined,
      trust,
    });
    await expect(lone.install({ file: path, origin: 'tarball', by: 'tester' })).rejects.toEqual(rule('UNSIGNED'));
    expect(await readdir(folder)).toEqual([]);
    expect(await readFile(path)).toBeDefined();
  });
});

test('a copy without its signature changes nothing about what is installed with one, also beside a newer version', async () => {
  await trustAcme();
  const [one, two] = [await artifact('1.0.0'), await artifact('2.0.0')];
  const { id } = await install(one.path, { signatures: one.sign(acme) });
  await install(two.path, { signatures: two.sign(acme) });
  for (const policy of ['signed', 'allow-listed', 'any'] as const) {
    await trust.setPolicy(policy, 'tester');
    expect(await install(one.path)).toMatchObject({ id, publisher: 'acme', basis: 'signature' });
    expect(await store.examine({ file: one.path, origin: 'tarball', by: 'tester' })).toMatchObject({
      state: 'installed',
      publisher: 'acme',
    });
  }
  await store.remove(id);
  await expect(install(one.path)).rejects.toEqual(rule('STRIPPED'));
});

test('what is installed unsigned is known as signed once a signature comes', async () => {
  const { path, sign } = await artifact();
  await install(path, { origin: 'configuration' });
  await trustAcme();
  expect(await install(path, { signatures: sign(acme) })).toMatchObject({ publisher: 'acme', basis: 'signature' });
  expect(await db.em().find(Stack, {})).toMatchObject([{ keyId: acme.keyId, origin: 'configuration' }]);
});

describe('publishers', () => {
  test('a key goes from active to retired to revoked and never back', async () => {
    await trustAcme();
    await trust.setKeyState(acme.keyId, 'revoked', 'tester');
    await expect(trust.setKeyState(acme.keyId, 'retired', 'tester')).rejects.toThrow(KeyStateError);
    await expect(trustAcme()).rejects.toThrow(KeyKnownError);
  });

  test('nobody gets trusted for more by bringing a key', async () => {
    const next = publicKeyLine(generateSigningKey('acme'));
    await expect(trust.addKey(next, undefined, 'tester')).rejects.toThrow(PublisherScopesError);
    await trustAcme();
    await expect(trust.addKey(next, ['*'], 'tester')).rejects.toThrow(PublisherScopesError);
    expect((await trust.addKey(next, undefined, 'tester')).keys).toHaveLength(2);
    await expect(trust.addKey('ssh-rsa AAAA', ['*'], 'tester')).rejects.toThrow(KeyLineError);
    expect(await trust.setScopes('acme', [], 'tester')).toMatchObject({ scopes: [] });
  });
});

test('nothing of a stack is ever loaded by the server', async () => {
  const canary = join(dir, 'canary');
  const run = `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(canary)}, '');`;
  const scripts = { preinstall: `touch ${canary}`, install: `touch ${canary}`, postinstall: `touch ${canary}` };
  const manifest = { format: 1, name: '@acme/db', version: '1.0.0', sdk: '0.1.0', title: 'Db', services: [] };
  const bytes = packTarball([
    file('manifest.json', JSON.stringify(manifest)),
    file('lifecycle.mjs', run),
    file('index.js', run),
    file('package.json', JSON.stringify({ name: '@acme/db', version: '1.0.0', main: 'index.js', scripts })),
    file('templates/a.hbs', run),
  ]);
  const path = join(await mkdtemp(join(dir, 'canary-')), 'a.tgz');
  await writeFile(path, bytes);
  const loaded: string[] = [];
  const hooks = registerHooks({
    load: (url, context, next) => {
      loaded.push(url);
      return next(url, context);
    },
  });
  try {
    const { digest } = await install(path, { origin: 'configuration' });
    expect((await store.manifest(digest)).name).toBe('@acme/db');
    expect(await store.templates(digest)).toEqual({ 'a.hbs': run });
    expect(await store.open(digest)).toMatchObject({ size: bytes.length });
    // That the hook sees what is loaded is shown by something that is.
    const shown: string = 'data:text/javascript,export default 1';
    await import(shown);
  } finally {
    hooks.deregister();
  }
  expect(loaded.filter((url) => url.startsWith('data:'))).toHaveLength(1);
  expect(loaded.filter((url) => url.includes(dir) || url.endsWith('.tgz'))).toEqual([]);
  expect(existsSync(canary)).toBe(false);
});
