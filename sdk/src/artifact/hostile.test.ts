import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ArtifactError } from './errors.ts';
import { gzip } from './gzip.ts';
import { readArtifact } from './read.ts';
import { packTarball, unpackTarball } from './tarball.ts';
import { hostileArchives, hostileManifests } from './testing/index.ts';
import { rawTar } from './testing/rawTar.ts';
import { unpackArtifact } from './unpack.ts';

let work = '';
beforeAll(async () => void (work = await mkdtemp(join(tmpdir(), 'stackyard-hostile-'))));
afterAll(() => rm(work, { recursive: true, force: true }));

test('there are more than 200 hostile archives, each with a name of its own', () => {
  expect(hostileArchives.length).toBeGreaterThan(200);
  expect(new Set([...hostileArchives, ...hostileManifests].map(({ name }) => name)).size).toBe(
    hostileArchives.length + hostileManifests.length,
  );
});

test('the archive that the hostile ones vary is one that is read', async () => {
  expect(await unpackTarball(gzip(rawTar({ path: 'a', content: 'x' })))).toMatchObject([{ path: 'a' }]);
  expect(gunzipSync(packTarball([{ path: 'a', content: Buffer.from('x'), executable: false }]))).toEqual(
    rawTar({ path: 'a', content: 'x' }),
  );
});

test.each(hostileArchives)('$name is refused in a sentence', async ({ bytes }) => {
  await refused(unpackArtifact('x.tgz', bytes()));
});

test.each(hostileManifests)('$name is refused in a sentence, and nothing is written', async ({ bytes }) => {
  const file = join(work, 'a.tgz');
  await writeFile(file, bytes());
  await refused(readArtifact(file));
  expect(await readdir(work)).toEqual(['a.tgz']);
});

async function refused(reading: Promise<unknown>): Promise<void> {
  const refusal = await reading.then(
    () => 'read',
    (error: unknown) => error,
  );
  expect(refusal).toBeInstanceOf(ArtifactError);
  // A name from the archive is quoted, so that none of its characters does anything to a terminal.
  expect((refusal as Error).message).toMatch(/^[^\p{Cc}]+\.$/u);
  expect(Object.keys(Object.prototype)).toEqual([]);
}
