import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildStack } from '@stackyard/sdk/build';

const modules = join(import.meta.dirname, '../../../../../node_modules');

/** A service with a config and a data directory, on one head and any number of workers. */
export const demoDefinition = `
import { defineComponent, defineConfig, defineService, defineStack, p } from '@stackyard/sdk';
const conf = defineConfig('demo.properties', {
  dataDir: p.dir('/var/lib/demo').pinned().help('Where data lies'),
  threads: p.int(4).min(1).max(64).help('How many'),
  greeting: p.text('Hello').effect('reload').help('What is said'),
});
const lifecycle = { start: () => undefined, stop: () => undefined, check: () => undefined };
const head = defineComponent('head', { title: 'Head', category: 'server', cardinality: '0-1', config: [conf], lifecycle });
const worker = defineComponent('worker', { title: 'Worker', category: 'server', cardinality: '0+', config: [conf], lifecycle });
export default defineStack({
  services: [defineService('demo', { title: 'Demo', version: '1', user: 'demo', components: [head, worker] })],
});
`;

/** Services that have one component each and nothing to configure. */
export function plainDefinition(...services: readonly string[]): string {
  return `
import { defineComponent, defineService, defineStack } from '@stackyard/sdk';
const lifecycle = { start: () => undefined, stop: () => undefined };
const service = (name) => defineService(name, { title: name, version: '1', user: 'demo', components: [
  defineComponent('only', { title: 'Only', category: 'server', cardinality: '0+', lifecycle }),
] });
export default defineStack({ services: ${JSON.stringify(services)}.map(service) });
`;
}

export interface StackSource {
  readonly name: string;
  readonly version?: string;
  readonly definition?: string;
  readonly files?: Readonly<Record<string, string>>;
}

/** Writes a stack package below `dir` and builds it. @returns the artifact's file. */
export async function buildTestStack(
  dir: string,
  { name, version = '1.0.0', definition = demoDefinition, files = {} }: StackSource,
): Promise<string> {
  const folder = join(dir, `${name}-${version}`);
  const manifest = {
    name: `@stack/${name}`,
    version,
    type: 'module',
    exports: './src/index.ts',
    stackyard: { kind: 'stack' },
  };
  const all = { 'package.json': JSON.stringify(manifest), 'src/index.ts': definition, ...files };
  for (const [path, content] of Object.entries(all)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  await symlink(modules, join(folder, 'node_modules'));
  return (await buildStack(folder, { outDir: join(folder, 'out') })).file;
}
