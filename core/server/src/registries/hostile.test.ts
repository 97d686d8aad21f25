import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { hostileArchives, rawTar } from '@stackyard/sdk/artifact/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readStackPackage } from './npmTarball.ts';

let dir = '';
let file = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-npm-hostile-'));
  file = join(dir, 'package.tgz');
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const PATH = 'package/dist/stack/x-1.0.0.tgz';

/** What comes of it: the artifact's bytes, or the code of a refusal in one sentence. Anything else fails. */
async function read(packed: Buffer): Promise<Buffer | string> {
  await writeFile(file, packed);
  const outcome = await readStackPackage(file, { name: 'x@1.0.0' }).then(
    ({ artifact }) => artifact,
    (error: Error & { code?: string }) => {
      expect(error.message).toMatch(/^[^\p{Cc}]+$/u);
      return error.code ?? error.message;
    },
  );
  expect(await readdir(dir)).toEqual(['package.tgz']);
  expect(Object.keys(Object.prototype)).toEqual([]);
  return outcome;
}

test.each(hostileArchives)(
  '$name in place of an npm package gives no artifact, and nothing is written',
  async ({ bytes }) => {
    const packed = bytes();
    const outcome = await read(packed);
    // What has a manifest at its top is an artifact itself, as it is: the strict reader refuses those.
    if (typeof outcome === 'string') expect(outcome).toMatch(/^STACK_PACKAGE/);
    else expect(outcome.equals(packed)).toBe(true);
  },
  // Making the largest of the archives takes seconds of a busy machine; nothing of it is waited for.
  120_000,
);

const small = hostileArchives.filter(({ name }) => !/MiB|thousand/.test(name));
test.each(small)('$name inside an npm package stays bytes', async ({ bytes }) => {
  const artifact = bytes();
  const outcome = await read(gzipSync(rawTar({ path: PATH, content: artifact }), { level: 1 }));
  expect(Buffer.isBuffer(outcome) && outcome.equals(artifact)).toBe(true);
});

test('one changed byte of the tar of a package is refused, or changes nothing of the artifact but what its digest shows', async () => {
  const artifact = Buffer.from('the artifact');
  const whole = rawTar({ path: PATH, content: artifact });
  for (let at = 0; at < 512 + artifact.length; at += 3) {
    const changed = Buffer.from(whole);
    changed[at]! ^= 1;
    const outcome = await read(gzipSync(changed));
    if (typeof outcome === 'string') expect(outcome).toMatch(/^STACK_PACKAGE/);
    else expect(outcome.equals(artifact)).toBe(at < 512);
  }
});

const CHILD = `
import { readStackPackage } from ${JSON.stringify(join(import.meta.dirname, 'npmTarball.ts'))};
const before = process.memoryUsage.rss();
let highest = before;
const timer = setInterval(() => { highest = Math.max(highest, process.memoryUsage.rss()); }, 5);
const outcome = await readStackPackage(process.argv[1], { name: 'x@1.0.0' }).then(() => 'read', (error) => error.code);
clearInterval(timer);
console.log(JSON.stringify({ outcome, grown: Math.max(highest, process.memoryUsage.rss()) - before }));
`;

test.each([
  ['300 MiB of zeros', () => gzipSync(Buffer.alloc(300 * 2 ** 20))],
  ['an artifact of 200 MiB of zeros', () => gzipSync(rawTar({ path: PATH, content: Buffer.alloc(200 * 2 ** 20) }))],
  ['a hundred thousand files', () => hostileArchives.find(({ name }) => name === 'a hundred thousand files')!.bytes()],
])('a bomb of %s takes no more memory than a package may have', async (_, bytes) => {
  await writeFile(file, bytes());
  const args = ['--conditions=@stackyard/source', '--input-type=module', '--eval', CHILD, file];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const { outcome, grown } = JSON.parse(stdout) as { outcome: string; grown: number };
  expect(outcome).toBe('STACK_PACKAGE');
  expect(grown).toBeLessThan(128 * 2 ** 20);
});
