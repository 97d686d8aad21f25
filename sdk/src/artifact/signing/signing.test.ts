import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { artifactDigest } from '../digest.ts';
import {
  generateSigningKey,
  isInScope,
  parsePrivateKey,
  parsePublicKeyLine,
  parseSignatures,
  privateKeyText,
  type Publisher,
  publicKeyLine,
  ScopePattern,
  signArtifact,
  signaturesText,
  SigningError,
  type SigningKey,
  verifySignatures,
} from './index.ts';

const acme = generateSigningKey('acme');
const digest = artifactDigest(Buffer.from('an artifact'));
const signed = { package: '@acme/db', version: '1.2.3', digest };
const trusting = (key: SigningKey, state: 'active' | 'retired' | 'revoked' = 'active'): Publisher[] => [
  { name: key.publisher, scopes: ['@acme/*'], keys: [{ keyId: key.keyId, publicKey: key.publicKey, state }] },
];

describe('keys', () => {
  test('a private key comes back from its text, a public one from its line', () => {
    const back = parsePrivateKey(privateKeyText(acme));
    expect(signArtifact(signed, back)).toEqual(signArtifact(signed, acme));
    const { publisher, keyId, publicKey } = acme;
    expect(parsePublicKeyLine(` ${publicKeyLine(acme)}\n`)).toEqual({ publisher, keyId, publicKey });
  });

  test('what is no key is refused without a word of its content', () => {
    const secret = privateKeyText(acme);
    for (const text of [
      '',
      '{',
      secret.slice(0, -20),
      secret.replace('acme', 'Acme'),
      secret.replace('ed25519-', 'ed25519-0'),
    ]) {
      expect(() => parsePrivateKey(text)).toThrow('This is no private key of a publisher.');
    }
    for (const line of [
      '',
      'ssh-ed25519 AAAA acme',
      publicKeyLine(acme).replace('=', ''),
      `${publicKeyLine(acme)} more`,
    ])
      expect(() => parsePublicKeyLine(line)).toThrow(SigningError);
    expect(() => generateSigningKey('../acme')).toThrow('cannot be the name of a publisher');
  });
});

describe('verifying', () => {
  test('a signature of a trusted publisher for its own packages is taken', () => {
    expect(verifySignatures(digest, [signArtifact(signed, acme)], trusting(acme))).toEqual({
      verdict: 'trusted',
      signed,
      publisher: 'acme',
      keyId: acme.keyId,
      keyState: 'active',
    });
  });

  test('what a retired key has signed stays valid, what a revoked one has signed does not', () => {
    const documents = [signArtifact(signed, acme)];
    expect(verifySignatures(digest, documents, trusting(acme, 'retired'))).toMatchObject({ keyState: 'retired' });
    expect(verifySignatures(digest, documents, trusting(acme, 'revoked'))).toMatchObject({ problem: 'REVOKED_KEY' });
  });

  test('a publisher rotates its key: what both have signed is taken when the old one is revoked', () => {
    const next = generateSigningKey('acme');
    const both = [signArtifact(signed, acme), signArtifact(signed, next)];
    const [old] = trusting(acme, 'revoked');
    const keys = [...(old?.keys ?? []), { keyId: next.keyId, publicKey: next.publicKey, state: 'active' as const }];
    const trust = [{ name: 'acme', scopes: ['@acme/*'], keys }];
    expect(verifySignatures(digest, both, trust)).toMatchObject({ verdict: 'trusted', keyId: next.keyId });
  });

  test.each([
    ['UNSIGNED', [], trusting(acme)],
    ['UNKNOWN_PUBLISHER', [signArtifact(signed, generateSigningKey('acme'))], trusting(acme)],
    ['UNKNOWN_PUBLISHER', [{ ...signArtifact(signed, acme), publisher: 'other' }], trusting(acme)],
    ['OUT_OF_SCOPE', [signArtifact({ ...signed, package: '@acmes/db' }, acme)], trusting(acme)],
    ['OTHER_ARTIFACT', [signArtifact({ ...signed, digest: `sha512-${'0'.repeat(128)}` }, acme)], trusting(acme)],
    ['WRONG_SIGNATURE', [{ ...signArtifact(signed, acme), version: '1.2.4' }], trusting(acme)],
    ['WRONG_SIGNATURE', [{ ...signArtifact(signed, acme), package: '@acme/other' }], trusting(acme)],
    [
      'WRONG_SIGNATURE',
      [signArtifact(signed, acme), { ...signArtifact(signed, acme), version: '9.9.9' }],
      trusting(acme),
    ],
  ] as const)('%s is told', (problem, documents, trust) => {
    expect(verifySignatures(digest, documents, trust)).toMatchObject({ verdict: 'untrusted', problem });
  });

  test('one changed bit anywhere in the file of signatures leaves nothing that is trusted, or says the same', () => {
    const documents = [signArtifact(signed, acme)];
    const bytes = Buffer.from(signaturesText(documents));
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of [1, 2, 4, 8, 16, 32, 64]) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ bit;
        const read = readable(changed.toString('utf8'));
        // White space between the values is nobody's word.
        if (read && JSON.stringify(read) === JSON.stringify(documents)) continue;
        expect(read && verifySignatures(digest, read, trusting(acme)).verdict).not.toBe('trusted');
      }
    }
  });

  function readable(text: string) {
    try {
      return parseSignatures(text);
    } catch (error) {
      expect(error).toBeInstanceOf(SigningError);
      return undefined;
    }
  }
});

describe('the file of signatures', () => {
  test('a later signature of a key takes the place of an earlier one', () => {
    const documents = [signArtifact({ ...signed, version: '1.0.0' }, acme), signArtifact(signed, acme)];
    expect(parseSignatures(signaturesText(documents))).toEqual([documents[1]]);
  });

  test.each([
    ['no JSON', '{'],
    ['no list', '{}'],
    ['none', '[]'],
    ['too long', `[${' '.repeat(70_000)}]`],
    ['one with more than it may have', JSON.stringify([{ ...signArtifact(signed, acme), more: 1 }])],
    ['too many', JSON.stringify(Array.from({ length: 17 }, () => signArtifact(signed, acme)))],
    ['a deep one', '['.repeat(60_000)],
  ])('is refused when it is %s', (_, text) => {
    expect(() => parseSignatures(text)).toThrow(/The signatures cannot be read: /);
  });

  test('any text is read or refused in a sentence', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(() => parseSignatures(text)).toThrow(SigningError);
      }),
    );
  });
});

test.each([
  ['@acme/db', ['@acme/*'], true],
  ['@acme/db', ['@acme/db'], true],
  ['@acme/db-x', ['@acme/db'], false],
  ['@acme/db-x', ['@acme/db-*'], true],
  ['@acme-evil/db', ['@acme/*'], false],
  ['anything', ['*'], true],
  ['anything', [], false],
] as const)('%s is in the scope %j: %s', (name, scopes, is) => {
  expect(isInScope(name, scopes)).toBe(is);
});

test.each([
  ['@acme/*', true],
  ['@acme/db', true],
  ['acme-*', true],
  ['*', true],
  ['@acme*', false],
  ['@*/x', false],
  ['a*b', false],
  ['', false],
])('%s as a scope: %s', (pattern, is) => {
  expect(ScopePattern.safeParse(pattern).success).toBe(is);
});
