import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
    waiting.push(...[...code.matchAll(/(?:from|import)"\.\/([^"]+)"/g)].map(([, name = '']) => name));
  }
  return loaded;
}

test('a process that starts ahead loads neither a validator nor the template engine nor what unpacks', async () => {
  const { dir } = await buildBundle(parent);
  const runner = loadedBy(dir, ['runner.mjs', 'job.mjs']);
  expect(runner.size).toBeGreaterThan(2);
  const code = [...runner.values()].join('\n');
  expect(code).toContain('stackyard');
  for (const word of ['ZodError', 'invalid_union', 'blockHelperMissing', 'SourceMapGenerator', 'ustar'])
    expect(code).not.toContain(word);
});

test('an agent loads neither a validator nor the template engine', async () => {
  const { dir } = await buildBundle(parent);
  const code = [...loadedBy(dir, ['agent.mjs']).values()].join('\n');
  for (const word of ['ZodError', 'invalid_union', 'blockHelperMissing']) expect(code).not.toContain(word);
});
