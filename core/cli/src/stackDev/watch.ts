import { watch } from 'node:fs/promises';
import { sep } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** An editor writes a file in several steps, and often several files at once. */
const SETTLING_MS = 80;
/** Made by tools, or of no meaning for the artifact. */
const IGNORED = /(^|\/)(node_modules|dist|reports|golden|\.[^/]*)(\/|$)|\.test\.[cm]?[jt]sx?$|^contract-report\.|~$/;

/** Whether a change of a file of the package, relative to it, may change its artifact. */
export function matters(path: string): boolean {
  return !IGNORED.test(path.split(sep).join('/'));
}

/** Sets of files that changed, each when it has settled; what changes while one is worked on comes with the next. */
export async function* changesIn(folder: string, signal: AbortSignal): AsyncGenerator<readonly string[]> {
  const changed = new Set<string>();
  let wake = Promise.withResolvers<void>();
  const watching = (async () => {
    for await (const { filename } of watch(folder, { recursive: true, signal })) {
      if (filename === null || !matters(filename)) continue;
      changed.add(filename);
      wake.resolve();
    }
  })();
  // An abort ends it, which is an error of the watcher and none of ours.
  watching.catch(() => undefined).finally(() => wake.resolve());
  while (!signal.aborted) {
    await wake.promise;
    await delay(SETTLING_MS, undefined, { signal }).catch(() => undefined);
    wake = Promise.withResolvers<void>();
    if (signal.aborted) return;
    const settled = [...changed].toSorted();
    changed.clear();
    if (settled.length > 0) yield settled;
    if (changed.size > 0) wake.resolve();
  }
}
