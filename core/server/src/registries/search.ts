import { z } from 'zod';
import { RegistryAnswerError } from './errors.ts';
import { askJson } from './registryHttp.ts';
import type { RegistrySettings } from './settings.ts';

/** What says of an npm package that it is a stack. */
export const STACK_KEYWORD = 'stackyard-stack';

const SIZE = 250;
const MAX_BYTES = 16 * 2 ** 20;

const Found = z.looseObject({
  objects: z.array(
    z.looseObject({
      package: z.looseObject({
        name: z.string(),
        version: z.string().optional(),
        'dist-tags': z.record(z.string(), z.string()).optional(),
        description: z.string().optional().catch(undefined),
        keywords: z.array(z.string()).optional().catch(undefined),
      }),
    }),
  ),
});

export interface FoundStack {
  readonly name: string;
  readonly version: string;
  readonly description: string;
}

/**
 * Stacks of a registry by words of their names and descriptions. Registries differ in what they search: some know
 * `keywords:`, others look for every word in name and description; so both are asked, and what has the keyword counts.
 */
export async function searchRegistry(
  registry: RegistrySettings,
  words: string,
  signal: AbortSignal,
): Promise<FoundStack[]> {
  const texts = [`keywords:${STACK_KEYWORD} ${words}`.trim(), words];
  const answers = await Promise.allSettled(texts.map((text) => searchOnce(registry, text, signal)));
  const answered = answers.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const [refused] = answers.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
  if (answered.length === 0) throw refused;
  const stacks = answered
    .flat()
    .filter(({ keywords = [] }) => keywords.includes(STACK_KEYWORD))
    .map(
      ({ name, version, description = '', 'dist-tags': tags = {} }) =>
        [name, { name, version: version ?? tags['latest'] ?? '', description }] as const,
    );
  return [...new Map(stacks).values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function searchOnce(registry: RegistrySettings, text: string, signal: AbortSignal) {
  const url = new URL('-/v1/search', directory(registry.url));
  url.search = new URLSearchParams({ text, size: String(SIZE) }).toString();
  const answer = await askJson(
    { registry, url, accept: 'application/json', signal },
    { maxBytes: MAX_BYTES, what: 'the result of a search' },
  );
  const parsed = Found.safeParse(answer);
  if (parsed.success) return parsed.data.objects.map((each) => each.package);
  throw new RegistryAnswerError({ registry: registry.name, reason: 'offers no search' });
}

/** As the base of relative addresses. */
export function directory(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}
