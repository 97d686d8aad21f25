import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packTarball, parseSignatures } from '@stackyard/sdk/artifact';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from '../cli.ts';
import { testTerminal } from '../output/testing.ts';

let dir = '';
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'stackyard-signing-'))));
afterEach(() => rm(dir, { recursive: true, force: true }));

async function cli(...argv: readonly string[]) {
  const terminal = testTerminal({ env: { XDG_CONFIG_HOME: dir } });
  const code = await run([...argv], terminal);
  return { code, ...terminal.said };
}

async function artifact(version = '1.0.0', file = 'a.tgz'): Promise<string> {
  const path = join(dir, file);
  const manifest = { format: 1, name: '@acme/db', version, sdk: '0.1.0', title: 'Db', services: [] };
  const content = Buffer.from(JSON.stringify(manifest));
  await writeFile(path, packTarball([{ path: 'manifest.json', content, executable: false }]));
  return path;
}

async function key(publisher: string): Promise<{ file: string; line: string; said: string }> {
  const file = join(dir, `${publisher}.json`);
  const { out, err } = await cli('publisher', 'keygen', publisher, '--out', file);
  return { file, line: out.trim(), said: out + err };
}

test('a private key is a file that only its owner reads, is never shown and never overwritten', async () => {
  const { file, line, said } = await key('acme');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(line).toMatch(/^stackyard-ed25519 [A-Za-z0-9+/]{43}= acme$/);
  const { privateKey } = JSON.parse(await readFile(file, 'utf8')) as { privateKey: string };
  expect(said).not.toContain(privateKey);
  expect(await cli('publisher', 'keygen', 'acme', '--out', file)).toMatchObject({
    code: 1,
    err: expect.stringContaining('is there already'),
  });
  expect((await cli('publisher', 'keygen', '../x')).code).toBe(2);
});

test('what was signed is verified; by another key, changed or unsigned it is not', async () => {
  const [acme, other, file] = [await key('acme'), await key('other'), await artifact()];
  expect(await cli('stack', 'verify', file, '--publisher', acme.line)).toMatchObject({
    code: 1,
    err: expect.stringContaining('nobody has signed it'),
  });
  expect(await cli('stack', 'sign', file, '--key', acme.file)).toMatchObject({ code: 0, out: `${file}.sig.json\n` });
  const verified = await cli('stack', 'verify', file, '--publisher', acme.line);
  expect(verified).toMatchObject({ code: 0, out: expect.stringMatching(/@acme\/db 1\.0\.0[\s\S]*acme, ed25519-/) });
  expect((await cli('stack', 'verify', file, '--publisher', other.line)).err).toContain('is not trusted here');
  const bytes = await readFile(file);
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  await writeFile(file, bytes);
  expect((await cli('stack', 'verify', file, '--publisher', acme.line)).err).toContain('is for sha512-');
});

test('several publishers sign the same artifact, and a new build forgets the signatures of the old one', async () => {
  const [acme, other, file] = [await key('acme'), await key('other'), await artifact()];
  for (const { file: by } of [acme, other, acme]) await cli('stack', 'sign', file, '--key', by);
  const signers = async () => parseSignatures(await readFile(`${file}.sig.json`, 'utf8')).map((each) => each.publisher);
  expect((await signers()).toSorted()).toEqual(['acme', 'other']);
  await artifact('1.0.1');
  await cli('stack', 'sign', file, '--key', other.file);
  expect(await signers()).toEqual(['other']);
});

test.each([
  ['a file that is not there', 'nowhere.json', /nowhere\.json cannot be read: ENOENT/],
  ['a file that is no key', 'a.tgz', /This is no private key of a publisher/],
])('a key that is %s is refused in a sentence', async (_, name, sentence) => {
  const { code, err } = await cli('stack', 'sign', await artifact(), '--key', join(dir, name));
  expect({ code, err }).toMatchObject({ code: 1, err: expect.stringMatching(sentence) });
});
