import { readFileSync } from 'node:fs';
import { type LoadFnOutput, registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as Simulation from '../seeds.ts';
import { mutants } from './list/index.ts';
import type { Edit, Mutant } from './mutant.ts';

const root = new URL('../../../../', import.meta.url);
const parameter = 'mutant';
let hooked = false;

/** The simulation with the mutant in it: every module of ours is loaded anew for it, and none is changed on the disk. */
export function load(mutant: Mutant): Promise<typeof Simulation> {
  hook();
  return import(`../seeds.ts?${parameter}=${encodeURIComponent(mutant.name)}`) as Promise<typeof Simulation>;
}

export function editsOf(mutant: Mutant): readonly Edit[] {
  const { also = [] } = mutant;
  return [mutant, ...[also].flat()];
}

/** How often the text of a mutant stands in its file: once, or it has to be written anew. */
export function occurrences({ file, text }: Edit): number {
  return readFileSync(fileURLToPath(new URL(file, root)), 'utf8').split(text).length - 1;
}

function hook(): void {
  if (hooked) return;
  hooked = true;
  const byName = new Map(mutants.map((mutant) => [mutant.name, mutant]));
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const name = context.parentURL && new URL(context.parentURL).searchParams.get(parameter);
      return name && isOurs(resolved.url) ? { ...resolved, url: withMutant(resolved.url, name) } : resolved;
    },
    load(url, context, next) {
      const loaded = next(url, context);
      const name = url.startsWith('file:') && new URL(url).searchParams.get(parameter);
      const mutant = name ? byName.get(name) : undefined;
      const edits = mutant ? editsOf(mutant).filter(({ file }) => isFile(url, file)) : [];
      if (edits.length === 0) return loaded;
      let source = textOf(loaded.source);
      for (const { text, replacement } of edits) source = source.replace(text, () => replacement);
      return { ...loaded, source };
    },
  });
}

function textOf(source: LoadFnOutput['source']): string {
  return typeof source === 'string' ? source : Buffer.from(source as Uint8Array).toString();
}

function isOurs(url: string): boolean {
  return url.startsWith(root.href) && !url.includes('/node_modules/');
}

function withMutant(url: string, name: string): string {
  const mutated = new URL(url);
  mutated.searchParams.set(parameter, name);
  return mutated.href;
}

function isFile(url: string, file: string): boolean {
  return new URL(url).pathname === pathToFileURL(fileURLToPath(new URL(file, root))).pathname;
}
