import { execFile } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { sha256 } from './artifacts/digest.ts';
import { ARTIFACT_RECORD, LIFECYCLE } from './artifacts/store.ts';
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

test('a runner that gets ready for a stack loads its functions, and not if anybody has touched them', async () => {
  const { dir } = await buildBundle(parent);
  const digest = `sha512-${'0'.repeat(128)}`;
  const stack = join(parent, 'stack');
  const lifecycle = 'globalThis.loads = "loaded";\nexport default {};\n';
  mkdirSync(stack);
  writeFileSync(join(stack, LIFECYCLE), lifecycle);
  writeFileSync(join(stack, ARTIFACT_RECORD), JSON.stringify({ digest, files: { [LIFECYCLE]: sha256(lifecycle) } }));
  const script = `require(process.argv[1]).rehearse(process.argv[2], JSON.parse(process.argv[3]))
    .then(() => globalThis.loads, () => 'refused').then(console.log)`;
  const rehearse = async (): Promise<string> => {
    const args = ['-e', script, join(dir, 'job.cjs'), parent, JSON.stringify({ digest, dir: stack })];
    return (await promisify(execFile)(process.execPath, args)).stdout.trim();
  };
  expect(await rehearse()).toBe('loaded');
  appendFileSync(join(stack, LIFECYCLE), '// more');
  expect(await rehearse()).toBe('refused');
});

test('an agent loads neither a validator nor the template engine', async () => {
  const { dir } = await buildBundle(parent);
  const code = [...loadedBy(dir, ['agent.mjs']).values()].join('\n');
  for (const word of ['ZodError', 'invalid_union', 'blockHelperMissing']) expect(code).not.toContain(word);
});
