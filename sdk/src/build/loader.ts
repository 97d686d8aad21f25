import { pathToFileURL } from 'node:url';
import type { Stack } from '../define/service.ts';
import { toManifest } from '../define/toManifest.ts';
import type { LoadAnswer, LoadRequest } from './load.ts';

/** The child of load.ts: one request, one answer. */
process.once('message', (request) => {
  void answer(request as LoadRequest).then((message) => process.send?.(message, () => process.disconnect()));
});

async function answer({ entry, options }: LoadRequest): Promise<LoadAnswer> {
  try {
    const module = (await import(pathToFileURL(entry).href)) as { default?: Stack };
    if (!module.default?.stack) {
      const reason = 'its default export is no stack';
      return { problems: [{ where: entry, reason, remedy: '`export default defineStack({ … })`' }] };
    }
    return { manifest: toManifest(module.default, options) };
  } catch (error) {
    // Not instanceof: the stack may bring another copy of this package.
    if (error instanceof Error && 'problems' in error) return { problems: error.problems as [] };
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
