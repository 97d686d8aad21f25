import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isSealed, sealedIn, withShortSeals } from '@stackyard/sdk/render';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SecretKeyDamagedError, SecretKeyLostError, SecretUnreadableError } from './errors.ts';
import { readSecretKey } from './key.ts';
import { Seals } from './seals.ts';

const place = { clusterId: 'c1', service: 'db', config: 'db.conf', property: 'password' };
const texts = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 });

describe('a sealed secret', () => {
  const seals = new Seals(randomBytes(32));

  test('opens to what was sealed, is the same for the same, and says nothing of it', () => {
    fc.assert(
      fc.property(texts, (secret) => {
        const sealed = seals.seal(place, secret);
        expect(isSealed(sealed)).toBe(true);
        expect(seals.open(place, sealed)).toBe(secret);
        expect(seals.seal(place, secret)).toBe(sealed);
        if (secret.length > 7) expect(sealed).not.toContain(secret);
      }),
    );
  });

  test('tells another secret from it, another place and another key', () => {
    fc.assert(
      fc.property(texts, texts, (one, other) => {
        expect(seals.seal(place, one) === seals.seal(place, other)).toBe(one === other);
        expect(seals.seal({ ...place, service: 'web' }, one)).not.toBe(seals.seal(place, one));
        expect(new Seals(randomBytes(32)).seal(place, one)).not.toBe(seals.seal(place, one));
      }),
    );
  });

  test('does not tell how long a short secret is', () => {
    expect(seals.seal(place, 'abcd')).toHaveLength(seals.seal(place, 'a longer one of 24 bytes').length);
  });

  test.each([
    ['of another service', (sealed: string) => seals.open({ clusterId: 'c1', service: 'web' }, sealed)],
    ['of another cluster', (sealed: string) => seals.open({ clusterId: 'c2', service: 'db' }, sealed)],
    ['of another property', (sealed: string) => seals.open(place, sealed.replace('password', 'token'))],
    [
      'that was changed',
      (sealed: string) =>
        seals.open(
          place,
          sealed.replace(/.}$/, (end) => (end === 'A}' ? 'B}' : 'A}')),
        ),
    ],
    ['that was cut', (sealed: string) => seals.open(place, sealed.replace(/.{20}}$/, '}'))],
    ['by another key', (sealed: string) => new Seals(randomBytes(32)).open(place, sealed)],
    ['that is none', () => seals.open(place, 'hunter2!')],
  ])('%s does not open', (_, open) => {
    expect(() => open(seals.seal(place, 'hunter2!'))).toThrow(SecretUnreadableError);
  });

  test('is found in a text and shown short', () => {
    const sealed = seals.seal(place, 'hunter2!');
    expect(sealedIn(`a=${sealed}\nb=${sealed}`)).toEqual([sealed]);
    expect(withShortSeals(`a=${sealed}`)).toMatch(/^a=\$\{secret:db\.conf\/password:[\w-]{8}\}$/);
  });

  test('a digest of a request depends on the key', () => {
    expect(seals.digest('a')).toBe(seals.digest('a'));
    expect(seals.digest('a')).not.toBe(new Seals(randomBytes(32)).digest('a'));
  });
});

describe('the key', () => {
  let dir: string;
  let file: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'stackyard-secrets-'));
    file = join(dir, 'secrets.key');
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));
  const none = async (): Promise<boolean> => false;
  const some = async (): Promise<boolean> => true;

  test('is made once, for its owner only, and read from then on', async () => {
    const key = await readSecretKey(file, none);
    expect(key).toHaveLength(32);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readSecretKey(file, some)).toEqual(key);
  });

  test('is not made anew when it is lost, unless somebody says so', async () => {
    await expect(readSecretKey(file, some)).rejects.toThrow(SecretKeyLostError);
    await writeFile(file, '');
    expect(await readSecretKey(file, some)).toHaveLength(32);
  });

  test.each([
    ['not readable by others', randomBytes(32).toString('base64'), 0o644],
    ['of the right length', randomBytes(31).toString('base64'), 0o600],
    ['a key at all', 'hunter2!', 0o600],
  ])('is refused when it is not %s', async (_, content, mode) => {
    await writeFile(file, content, { mode });
    await expect(readSecretKey(file, none)).rejects.toThrow(SecretKeyDamagedError);
  });
});
