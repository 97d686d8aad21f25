import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { buildBundle } from './bundle.ts';

const parent = mkdtempSync(join(tmpdir(), 'stackyard-bundle-'));
afterAll(() => rmSync(parent, { recursive: true }));

/** The files and all that they import at once. */
function loadedBy(dir: string, files: readonly string[]): Map<string, string> {
  const loaded = new Map<string, string>();
  const waiting = [...files];
  for (let file = waiting.shift(); file; file = waiting.shift()) {
    if (loaded.has(file)) continue;
    const code = readFileSync(join(dir, file), 'utf8');
    loaded.set(file, code);
    waiting.push(...[...code.matchAll(/(?:from|import|(?<!=>)require\()"\.\/([^"]+)"/g)].map(([, name = '']) => name));
  }
  return loaded;
}

test('a process that starts ahead loads neither a validator nor the template engine nor what unpacks', async () => {
  const { dir } = await buildBundle(parent);
  const runner = loadedBy(dir, ['runner.cjs', 'job.cjs']);
  expect(runner.size).toBeGreaterThan(2);
  const code = [...runner.values()].join('\n');
  expect(code).toContain('stackyard');
  for (const word of ['ZodError', 'invalid_union', 'blockHelperMissing', 'SourceMapGenerator', 'ustar'])
    expect(code).not.toContain(word);
});

test('a runner that has rehearsed is ready for HTTP and has not loaded what Node has for rare use', async () => {
  const { dir } = await buildBundle(parent);
  const script = `require(process.argv[1]).rehearse(process.argv[2]).then(() => console.log(process.moduleLoadList.join()))`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script, join(dir, 'job.cjs'), parent]);
  expect(stdout).toContain('NativeModule http,');
  for (const rare of ['deps/undici', 'NativeModule http2', 'crypto/webcrypto']) expect(stdout).not.toContain(rare);
});

test('an agent loads neither a validator nor the template engine', async () => {
  const { dir } = await buildBundle(parent);
  const code = [...loadedBy(dir, ['agent.mjs']).values()].join('\n');
  for (const word of ['ZodError', 'invalid_union', 'blockHelperMissing']) expect(code).not.toContain(word);
});
