import { expect, test } from 'vitest';
import { type PackageDescriptor, pinOf, waysTo } from './descriptor.ts';

const sha512 = 'a'.repeat(128);
const url = 'https://archive.example/zookeeper.tgz';
const maven = { bom: 'g:bom:1', artifacts: ['g:a', 'g:b:2'] };
const both: PackageDescriptor = { name: 'zookeeper', version: '3.9.4', origins: { url: [{ url, sha512 }], maven } };

test.each([
  ['auto', ['url', 'maven']],
  ['url', ['url']],
  ['maven', ['maven']],
] as const)('the origin "%s" gives the ways %j', (origin, expected) => {
  expect(waysTo(both, { origin, arch: 'x64' }).map((way) => way.origin)).toEqual(expected);
});

test('only the urls of the architecture are taken', () => {
  const other = { url: 'https://archive.example/arm.tgz', sha512, arch: 'arm64' } as const;
  const descriptor = { ...both, origins: { url: [other, { url, sha512 }] } };
  expect(waysTo(descriptor, { origin: 'auto', arch: 'x64' })).toMatchObject([{ sources: [{ url }] }]);
  expect(waysTo(descriptor, { origin: 'auto', arch: 'arm64' })).toMatchObject([{ sources: [other, { url }] }]);
});

test('an edited descriptor is another package, a moved address is not', () => {
  const key = (descriptor: PackageDescriptor) => waysTo(descriptor, { origin: 'auto', arch: 'x64' })[0]?.key;
  const digest = `sha256-${'b'.repeat(64)}`;
  const moved = { ...both, origins: { url: [{ url: 'https://mirror.example/z.tgz', sha512 }], maven } };
  expect(key(moved)).toBe(key(both));
  const edited = [
    { ...both, version: '3.9.5' },
    { ...both, root: 'inner' },
    { ...both, origins: { url: [{ url, sha512: 'b'.repeat(128) }] } },
    { ...both, origins: { maven } },
    { ...both, origins: { maven }, digest },
    { ...both, origins: { maven: { ...maven, exclusions: ['x:y'] } } },
  ];
  expect(new Set([both, ...edited].map(key)).size).toBe(edited.length + 1);
});

test('the pin is compared with what Maven resolves, and with an url only where it is the one origin', () => {
  const pinned = { ...both, digest: `sha256-${'b'.repeat(64)}` };
  expect(pinOf(pinned, 'maven')).toBe(pinned.digest);
  expect(pinOf(pinned, 'url')).toBeUndefined();
  expect(pinOf({ ...pinned, origins: { url: [{ url, sha512 }] } }, 'url')).toBe(pinned.digest);
});

test('a ready archive may be named as archive or as the only artifact', () => {
  const archive = 'org.apache.tomcat:tomcat:tar.gz:11.0.24';
  for (const source of [{ archive }, { artifacts: [archive] }]) {
    const [way] = waysTo({ ...both, origins: { maven: source } }, { origin: 'maven', arch: 'x64' });
    expect(way).toMatchObject({ source: { archive: { artifact: 'tomcat', extension: 'tar.gz' }, jars: [] } });
  }
});

test.each<[string, Partial<PackageDescriptor>, string]>([
  ['a path as name', { name: '../zookeeper' }, 'its name or version has a bad character'],
  ['a path as version', { version: '3/9' }, 'its name or version has a bad character'],
  ['an absolute root', { root: '/etc' }, 'its root "/etc" is no relative folder'],
  ['a root that leads out', { root: 'a/../..' }, 'is no relative folder'],
  ['a digest in another form', { digest: 'abc' }, 'its digest "abc" is not of the form'],
  ['a file url', { origins: { url: [{ url: 'file:///etc/passwd', sha512 }] } }, 'is no http or https address'],
  ['a short sha512', { origins: { url: [{ url, sha512: 'abc' }] } }, 'is not 128 hex digits'],
  ['no artifact', { origins: { maven: { artifacts: [] } } }, 'names no artifact'],
  ['a version that moves', { origins: { maven: { artifacts: ['g:a:LATEST'] } } }, 'names a version that moves'],
  ['a version from nowhere', { origins: { maven: { artifacts: ['g:a'] } } }, 'g:a has no version and there is no bom'],
  ['a bom without version', { origins: { maven: { bom: 'g:b', artifacts: ['g:a'] } } }, 'its bom "g:b" has no version'],
  ['a ready zip', { origins: { maven: { archive: 'g:a:zip:1' } } }, 'is written group:artifact:tar.gz'],
  ['an archive and jars', { origins: { maven: { archive: 'g:a:tgz:1', artifacts: ['g:b:1'] } } }, 'stands alone'],
  ['two archives', { origins: { maven: { artifacts: ['g:a:tgz:1', 'g:b:tgz:1'] } } }, 'stands alone'],
])('a descriptor with %s is refused by name', (_, change, reason) => {
  expect(() => waysTo({ ...both, ...change }, { origin: 'auto', arch: 'x64' })).toThrow(reason);
});

test('a package without the configured origin is refused with what to do', () => {
  const only = { ...both, origins: { maven } };
  expect(() => waysTo(only, { origin: 'url', arch: 'x64' })).toThrowErrorMatchingInlineSnapshot(
    `[PackageOriginError: Package zookeeper 3.9.4 declares nothing for the package origin "url" and the processor x64. Set the origin to "auto", or add it to the package in its stack.]`,
  );
});
