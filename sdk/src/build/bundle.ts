import { builtinModules } from 'node:module';
import { stripVTControlCharacters } from 'node:util';
import { StackDefinitionError } from '../define/errors.ts';
import type { StackManifest } from '../manifest/manifest.ts';
import type { StackPackage } from './package.ts';

const ENTRY = '\0stackyard-lifecycle';

/**
 * The lifecycle functions of a stack as one module without dependencies. What they use comes along, their own property
 * references too; nothing but Node's modules is left to import.
 * @throws StackDefinitionError
 */
export async function bundleLifecycle({ folder, entry }: StackPackage, manifest: StackManifest): Promise<string> {
  const hasFunctions = manifest.services.some(({ components }) =>
    components.some(({ lifecycle, actions = [] }) => lifecycle.length + actions.length > 0),
  );
  if (!hasFunctions) return 'export default {};\n';
  // Loaded only here: it is native code that whoever merely reads artifacts has no use for.
  const { rolldown } = await import('rolldown');
  const bundle = await rolldown({
    input: ENTRY,
    cwd: folder,
    platform: 'node',
    resolve: { conditionNames: ['@stackyard/source', 'module', 'node', 'import', 'default'] },
    treeshake: true,
    logLevel: 'silent',
    // Paths of this machine would make the bundle differ from one folder to another.
    experimental: { attachDebugInfo: 'none' },
    plugins: [
      {
        name: 'stackyard-lifecycle',
        resolveId: (id) => (id === ENTRY ? id : undefined),
        load: (id) => (id === ENTRY ? entrySource(entry) : undefined),
      },
    ],
  }).catch(refuse);
  try {
    const { output } = await bundle
      .generate({ format: 'esm', comments: false, codeSplitting: false, sourcemap: false })
      .catch(refuse);
    const [chunk, ...others] = output;
    const foreign = chunk.imports.filter((name) => !name.startsWith('node:') && !builtinModules.includes(name));
    if (others.length > 0 || foreign.length > 0) refuse(new Error(`it needs ${foreign.join(', ')} at run time`));
    return chunk.code;
  } finally {
    await bundle.close();
  }

  function refuse(error: unknown): never {
    const reason = `its lifecycle functions cannot be bundled: ${inOneLine((error as Error).message)}`;
    throw new StackDefinitionError([{ where: entry, reason, remedy: 'use only Node and files of the stack there' }]);
  }
}

/** What the bundler says is meant for a terminal: coloured, and drawn over several lines. */
function inOneLine(message: string): string {
  return stripVTControlCharacters(message).replace(/\s+/g, ' ').trim();
}

function entrySource(entry: string): string {
  return `import definition from ${JSON.stringify(entry)};
const functionsOf = ({ lifecycle: phases, actions = {}, decommission }) => ({
  phases,
  actions: Object.fromEntries(Object.entries(actions).map(([name, { run }]) => [name, run])),
  decommission: decommission?.drain,
  recommission: decommission?.undo,
});
export default Object.fromEntries(
  definition.stack.services.flatMap((service) =>
    service.options.components.map(({ name, options }) => [service.name + '/' + name, functionsOf(options)]),
  ),
);
`;
}
