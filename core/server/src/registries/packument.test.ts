import { expect, test } from 'vitest';
import { deprecationOf, Packument, pickVersion, sha512Of, versionsOf } from './packument.ts';

const packument = (versions: Record<string, string | boolean | undefined>, tags: Record<string, string> = {}) =>
  Packument.parse({
    name: 'x',
    'dist-tags': tags,
    versions: Object.fromEntries(
      Object.entries(versions).map(([version, deprecated]) => [
        version,
        { version, deprecated, dist: { tarball: 'x' } },
      ]),
    ),
  });

const some = packument(
  { '1.0.0': undefined, '1.1.0': 'bad', '1.2.0-rc.1': undefined, '2.0.0': undefined, '2.1.0': true },
  { latest: '2.0.0', next: '1.2.0-rc.1' },
);

test.each([
  ['latest', '2.0.0'],
  ['next', '1.2.0-rc.1'],
  ['1.1.0', '1.1.0'],
  ['v1.0.0', '1.0.0'],
  ['*', '2.0.0'],
  ['^1.0.0', '1.0.0'],
  ['~1.1', '1.1.0'],
  ['>=1 <3', '2.0.0'],
  ['>2.0.0', '2.1.0'],
])('%s is %s', (wanted, version) => expect(pickVersion(some, wanted).version).toBe(version));

test.each(['3.0.0', '^7', 'no-such-tag', '../../etc', '__proto__', 'constructor'])('%j is no version', (wanted) => {
  expect(() => pickVersion(some, wanted)).toThrow('The newest are 2.1.0, 2.0.0, 1.2.0-rc.1, 1.1.0, 1.0.0');
});

test('a deprecation has its message, or says that there is none', () => {
  const message = (deprecated: string | boolean | undefined) => deprecationOf({ deprecated });
  expect([message('bad'), message(true), message(''), message(false), message(undefined)]).toEqual([
    'bad',
    'its author gives no reason',
    undefined,
    undefined,
    undefined,
  ]);
  expect(versionsOf(some).map(({ version }) => version)).toEqual(['2.1.0', '2.0.0', '1.2.0-rc.1', '1.1.0', '1.0.0']);
});

test('only sha512 is an integrity', () => {
  const right = `${'A'.repeat(86)}==`;
  expect(sha512Of(`sha1-abc sha512-${right}`)).toBe(right);
  expect(sha512Of(`sha512-${right}?x`)).toBe(right);
  for (const weak of ['sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=', `sha256-${right}`, 'sha512-short', '', undefined])
    expect(sha512Of(weak)).toBe(undefined);
});
