import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { expectGolden } from './index.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stackyard-golden-'));
  vi.stubEnv('CI', '');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const files = { '/etc/a/x.cfg': 'port=1\nname=n\n', '/data/myid': '1\n' };
function write(content: Record<string, string>): void {
  vi.stubEnv('UPDATE_GOLDEN', '1');
  expectGolden({ files: content }, 'three', { folder });
  vi.stubEnv('UPDATE_GOLDEN', '');
}

test('files that are as they were are fine', () => {
  write(files);
  expect(readFileSync(join(folder, 'golden/three/etc/a/x.cfg'), 'utf8')).toBe('port=1\nname=n\n');
  expect(() => expectGolden({ files }, 'three', { folder })).not.toThrow();
});

test('a difference is shown as a patch, also a file that came or went', () => {
  write(files);
  const changed = { '/etc/a/x.cfg': 'port=2\nname=n\n', '/new': 'x\n' };
  expect(() => expectGolden({ files: changed }, 'three', { folder })).toThrowErrorMatchingInlineSnapshot(`
    [GoldenFilesError: Golden files three: 3 files differ from golden/three

    --- golden/data/myid
    +++ /dev/null
    @@ -1,1 +0,0 @@
    -1

    --- golden/etc/a/x.cfg
    +++ rendered/etc/a/x.cfg
    @@ -1,2 +1,2 @@
    -port=1
    +port=2
     name=n

    --- /dev/null
    +++ rendered/new
    @@ -0,0 +1,1 @@
    +x

    If that is as it should be, run the test with UPDATE_GOLDEN=1.]
  `);
});

test('what is no longer rendered is gone after an update', () => {
  write(files);
  write({ '/new': 'x\n' });
  expect(() => expectGolden({ files: { '/new': 'x\n' } }, 'three', { folder })).not.toThrow();
});

test('golden files that are not there yet are asked for, and never written in CI', () => {
  expect(() => expectGolden({ files }, 'three', { folder })).toThrow(
    'write it by running the test with UPDATE_GOLDEN=1',
  );
  vi.stubEnv('CI', 'true');
  expect(() => write(files)).toThrow('where nobody reviews what it would write');
  expect(() => expectGolden({ files }, '../three', { folder })).toThrow('its name must be letters');
});
