import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Waits until a condition holds; fails with what was waited for. For tests. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  limitMs = 30_000,
): Promise<Exclude<T, undefined | null | false | ''>> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const value = await look();
    if (value) return value as Exclude<T, undefined | null | false | ''>;
    if (performance.now() > deadline) throw new Error(`Waited ${limitMs} ms in vain until ${what}.`);
    await delay(5);
  }
}

/** A directory that is removed by `remove`. For tests. */
export function temporaryDirectory(label: string): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `stackyard-${label}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
