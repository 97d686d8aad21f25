import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { hostileArchives, rawTar } from '@stackyard/sdk/artifact/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { manifestText, MANIFEST, type Part, pathOf } from './format.ts';
import { receiveBundle } from './receive.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-bundle-hostile-'));
  await writeFile(join(dir, 'canary'), '');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Sends bytes as a bundle. @returns what it said, and how many bytes it took of the sender */
async function send(bytes: Buffer): Promise<string> {
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
  };
  const outcome = await receiveBundle(chunks(), join(dir, 'in')).then(
    () => 'received',
    (error: Error & { code?: string }) => {
      expect(error.message).toMatch(/^[^\p{Cc}]+$/u);
      return error.code ?? error.message;
    },
  );
  expect((await readdir(dir)).filter((name) => name !== 'in')).toEqual(['canary']);
  expect(Object.keys(Object.prototype)).toEqual([]);
  return outcome;
}

/** Making the largest of the archives takes seconds of a busy machine; nothing of it is waited for. */
const BUSY_MS = 120_000;

const content = Buffer.from('what a stack is');
const part: Part = {
  kind: 'stack',
  name: '@acme/db',
  version: '1.0.0',
  size: content.length,
  sha512: createHash('sha512').update(content).digest('hex'),
};
const manifest = { path: MANIFEST, content: manifestText([part]) };
const whole = rawTar(manifest, { path: pathOf(part), content });

/** The tar of a hostile archive, or its bytes where they are no gzip. */
function tarOf(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes);
  } catch {
    return bytes;
  }
}

test('the bundle that the hostile ones vary is one that is received', async () => {
  expect(await send(whole)).toBe('received');
});

test.each(hostileArchives)(
  '$name in place of a bundle is refused, and nothing is written',
  async ({ bytes }) => {
    expect(await send(tarOf(bytes()))).toBe('BUNDLE_INVALID');
    expect(existsSync(join(dir, 'in'))).toBe(false);
  },
  BUSY_MS,
);

test.each(hostileArchives)(
  '$name behind the manifest of a bundle is refused',
  async ({ bytes }) => {
    const first = rawTar(manifest).subarray(0, -1024);
    expect(await send(Buffer.concat([first, tarOf(bytes())]))).toBe('BUNDLE_INVALID');
  },
  BUSY_MS,
);

test('a changed byte anywhere in a bundle is refused, or changes nothing that is kept', async () => {
  for (let at = 0; at < whole.length - 1024; at += 5) {
    const changed = Buffer.from(whole);
    changed[at]! ^= 1;
    const outcome = await send(changed);
    const kept = join(dir, 'in', pathOf(part));
    if (outcome === 'received') expect(await readFile(kept)).toEqual(content);
    else expect(outcome).toBe('BUNDLE_INVALID');
    await rm(join(dir, 'in'), { recursive: true, force: true });
  }
});

test('a bundle that is cut off anywhere is refused', async () => {
  for (let length = 0; length < whole.length - 1024; length += 97) {
    expect(await send(whole.subarray(0, length))).toBe('BUNDLE_INVALID');
    await rm(join(dir, 'in'), { recursive: true, force: true });
  }
});
