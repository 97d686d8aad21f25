import { pathToFileURL } from 'node:url';
import { recordCallSites } from '../define/callSite.ts';
import type { StackProblem } from '../define/errors.ts';
import type { Stack } from '../define/service.ts';
import { inspectStack } from '../define/toManifest.ts';
import type { LoadAnswer, LoadRequest } from './load.ts';
import { placed, placeOfError, placesOf, unusedDefinitions } from './sites.ts';

/** The child of load.ts: one request, one answer. */
process.once('message', (request) => {
  void answer(request as LoadRequest).then((message) => process.send?.(message, () => process.disconnect()));
});

async function answer({ folder, entry, options }: LoadRequest): Promise<LoadAnswer> {
  const log = recordCallSites();
  try {
    const module = (await import(pathToFileURL(entry).href)) as { default?: Stack };
    const stack = module.default;
    if (!stack?.stack) {
      const reason = 'its default export is no stack';
      return { problems: [{ where: entry, reason, remedy: '`export default defineStack({ … })`' }], places: {} };
    }
    const { draft, manifest, problems } = inspectStack(stack, options);
    const places = placesOf(stack, draft, log, folder);
    const all = [...problems, ...unusedDefinitions(stack, log, folder)].map((problem) => placed(problem, places));
    return { draft, places, problems: all, ...(manifest ? { manifest } : {}) };
  } catch (error) {
    // Not instanceof: the stack may bring another copy of this package.
    if (error instanceof Error && 'problems' in error) {
      const at = placeOfError(error, folder);
      const problems = error.problems as StackProblem[];
      return { problems: problems.map((problem) => ({ ...(at ? { at } : {}), ...problem })), places: {} };
    }
    return failure(error, { folder, entry });
  }
}

function failure(error: unknown, { folder, entry }: Pick<LoadRequest, 'folder' | 'entry'>): LoadAnswer {
  const at = error instanceof Error ? placeOfError(error, folder) : undefined;
  const said =
    error instanceof Error ? (at ? `${error.name}: ${error.message}` : (error.stack ?? error.message)) : String(error);
  const reason = `it cannot be imported: ${said}`;
  const problem = { where: at?.file ?? entry, reason, remedy: 'correct the module' };
  return { problems: [{ ...problem, ...(at ? { at } : {}) }], places: {} };
}
