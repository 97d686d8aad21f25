import type { Verified } from '@stackyard/sdk/artifact';
import { describe, expect, test } from 'vitest';
import { admit, judge } from './decide.ts';

const digest = `sha512-${'1'.repeat(128)}`;
const other = `sha512-${'2'.repeat(128)}`;
const found = { name: '@acme/db', version: '1.2.3', digest };
const trusted: Verified = {
  verdict: 'trusted',
  signed: { package: '@acme/db', version: '1.2.3', digest },
  publisher: 'acme',
  keyId: 'ed25519-1',
  keyState: 'active',
};
const untrusted = (problem: Extract<Verified, { verdict: 'untrusted' }>['problem']): Verified => ({
  verdict: 'untrusted',
  problem,
  reason: 'so it is',
});

describe('before a byte is parsed', () => {
  const unsigned = { digest, verified: untrusted('UNSIGNED'), origin: 'tarball', allowances: [] } as const;
  const listed = [{ digest, package: null, version: null }];
  const named = [{ digest: null, package: '@acme/db', version: '1.2.3' }];
  const claimed = { name: '@acme/db', version: '1.2.3' };

  test.each([
    ['signed', { ...unsigned, policy: 'signed', verified: trusted }, { basis: 'signature' }],
    ['unsigned', { ...unsigned, policy: 'signed' }, { refusal: { code: 'UNSIGNED' } }],
    [
      'by a stranger',
      { ...unsigned, policy: 'signed', verified: untrusted('UNKNOWN_PUBLISHER') },
      { refusal: { code: 'UNKNOWN_PUBLISHER' } },
    ],
    ['listed', { ...unsigned, policy: 'signed', allowances: listed }, { refusal: { code: 'UNSIGNED' } }],
    ['unsigned', { ...unsigned, policy: 'allow-listed' }, { refusal: { code: 'NOT_LISTED' } }],
    ['listed by digest', { ...unsigned, policy: 'allow-listed', allowances: listed }, { basis: 'allow-list' }],
    [
      'listed by name, as claimed',
      { ...unsigned, policy: 'allow-listed', allowances: named, claimed },
      { basis: 'allow-list' },
    ],
    [
      'listed by name, claimed by nobody',
      { ...unsigned, policy: 'allow-listed', allowances: named },
      { refusal: { code: 'NOT_LISTED' } },
    ],
    ['unsigned', { ...unsigned, policy: 'any' }, { basis: 'any' }],
    ['unsigned and installed', { ...unsigned, policy: 'signed', installed: 'signature' }, { basis: 'signature' }],
    [
      'named by the configuration',
      { ...unsigned, policy: 'signed', origin: 'configuration' },
      { basis: 'configuration' },
    ],
  ] as const)('what is %s, under %j', (_, given, admission) => {
    expect(admit(given)).toMatchObject(admission);
  });

  test.each(['OTHER_ARTIFACT', 'WRONG_SIGNATURE', 'REVOKED_KEY'] as const)(
    '%s is let in under no policy, from nowhere, on no list',
    (problem) => {
      for (const policy of ['signed', 'allow-listed', 'any'] as const)
        for (const origin of ['configuration', 'tarball', 'registry'] as const)
          expect(
            admit({ digest, verified: untrusted(problem), policy, origin, allowances: listed, installed: 'any' }),
          ).toMatchObject({
            refusal: { code: problem },
          });
    },
  );
});

describe('after it was read', () => {
  const signed = { found, verified: trusted, basis: 'signature', allow: {}, pins: [], installed: [] } as const;
  const unsigned = { ...signed, verified: untrusted('UNSIGNED'), basis: 'any' } as const;
  const pinned = (publisher: string | null, more: { version?: string; digest?: string } = {}) => [
    { version: '1.2.3', digest: other, publisher, ...more },
  ];

  test.each([
    ['what is what it was signed as', signed, undefined],
    ['another name than was signed', { ...signed, found: { ...found, name: '@acme/x' } }, 'NOT_AS_SIGNED'],
    ['another version than was signed', { ...signed, found: { ...found, version: '1.2.4' } }, 'NOT_AS_SIGNED'],
    [
      'another version than was asked for',
      { ...unsigned, claimed: { name: '@acme/db', version: '1.2.4' } },
      'NOT_AS_CLAIMED',
    ],
    [
      'another name than was asked for',
      { ...unsigned, claimed: { name: 'acme-db', version: '1.2.3' } },
      'NOT_AS_CLAIMED',
    ],
    ['the same contents again', { ...unsigned, pins: pinned(null, { digest }) }, undefined],
    ['other contents', { ...unsigned, pins: pinned(null) }, 'PINNED'],
    ['other contents that are to replace', { ...unsigned, pins: pinned(null), allow: { replace: true } }, undefined],
    ['other contents by the configuration', { ...unsigned, basis: 'configuration', pins: pinned(null) }, undefined],
    [
      'other contents of what was signed',
      { ...unsigned, pins: pinned('acme'), allow: { replace: true, unsigned: true } },
      'PINNED',
    ],
    ['other contents that are signed', { ...signed, pins: pinned('acme'), allow: { replace: true } }, 'PINNED'],
    [
      'signed contents in place of unsigned ones',
      { ...signed, pins: pinned(null), allow: { replace: true } },
      'PINNED',
    ],
    ['no signature where there was one', { ...unsigned, pins: pinned('acme', { version: '1.0.0' }) }, 'STRIPPED'],
    [
      'no signature where there was one, by the configuration',
      { ...unsigned, basis: 'configuration', pins: pinned('acme', { version: '1.0.0' }) },
      'STRIPPED',
    ],
    [
      'no signature where there was one, said so',
      { ...unsigned, pins: pinned('acme', { version: '1.0.0' }), allow: { unsigned: true } },
      undefined,
    ],
    [
      'no signature where there was one, listed',
      { ...unsigned, basis: 'allow-list', pins: pinned('acme', { version: '1.0.0' }) },
      undefined,
    ],
    [
      'no signature on what is installed with one',
      { ...unsigned, pins: pinned('acme', { digest }), there: digest },
      undefined,
    ],
    [
      'no signature on what was installed with one and is no more',
      { ...unsigned, pins: pinned('acme', { digest }) },
      'STRIPPED',
    ],
    ['an older version that is installed', { ...signed, installed: ['1.10.0'], there: digest }, undefined],
    ['other contents of what is installed', { ...unsigned, pins: pinned('acme'), there: other }, 'PINNED'],
    ['an older version', { ...signed, installed: ['1.10.0', '1.9.0'] }, 'DOWNGRADE'],
    ['an older version, said so', { ...signed, installed: ['1.10.0'], allow: { downgrade: true } }, undefined],
    ['an older version by the configuration', { ...unsigned, basis: 'configuration', installed: ['2.0.0'] }, undefined],
    ['a newer version', { ...signed, installed: ['1.2.3-rc.1', '0.9.0'] }, undefined],
  ] as const)('%s', (_, given, code) => {
    expect(judge(given)?.code).toBe(code);
  });
});
