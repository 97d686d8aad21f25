import { isBuiltin } from 'node:module';
import { join } from 'node:path/posix';

/** One workspace package, as far as the rules need it. */
export interface WorkspacePackage {
  readonly folder: string;
  readonly name: string;
  readonly kind?: string | undefined;
  readonly exports: readonly string[];
  readonly dependencies: readonly string[];
  readonly devDependencies: readonly string[];
  /** Folders of src that its package.json leaves out of what is published, such as `reference` by `!dist/reference`. */
  readonly unpublished?: readonly string[] | undefined;
}

/** One source file and what it imports; the path starts at the root of the repository. */
export interface SourceFile {
  readonly path: string;
  readonly imports: readonly string[];
}

const left = ['proto', 'domain', 'sdk', 'planner', 'kernel', 'contract'] as const;
const platform = [
  ...left,
  'create',
  'stack',
  'plugin contract',
  'plugin',
  'server',
  'agent',
  'fleet',
  'simulation',
  'web',
  'cli',
] as const;

/** Who may import whom. Most take what stands to their left; the others say what they leave out. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  proto: [],
  domain: ['proto'],
  sdk: ['proto', 'domain'],
  create: ['sdk'],
  planner: ['proto', 'domain', 'sdk'],
  kernel: ['proto', 'domain', 'sdk', 'planner'],
  contract: ['proto', 'domain', 'sdk', 'planner', 'kernel'],
  stack: ['sdk', 'stack'],
  plugin: ['domain', 'sdk', 'planner', 'kernel', 'contract', 'plugin contract'],
  server: left,
  agent: left,
  fleet: [...left, 'stack', 'plugin contract', 'plugin', 'server', 'agent'],
  simulation: [...left, 'server', 'agent', 'fleet'],
  web: [],
  cli: [...left, 'create', 'stack', 'plugin contract', 'plugin', 'server', 'agent', 'fleet', 'web'],
  bench: platform,
  example: [...platform, 'bench'],
};

const onlyInKernel = ['tsyringe', 'reflect-metadata'];
const meaningless = ['utils', 'common', 'shared', 'helpers'];
/** Test tools of the root, which every package's tests may import. */
const rootTools = ['vitest'];

/** Where a package stands: by its folder, and for those in `examples` by its `stackyard.kind`. */
function layerOf({ folder, kind }: WorkspacePackage): string {
  const [top = '', name = ''] = folder.split('/');
  if (top === 'core' || name === 'create') return name;
  if (top === 'stacks' || kind === 'stack') return 'stack';
  if (top === 'plugins' || kind === 'plugin') return 'plugin';
  return top === 'examples' ? 'example' : top;
}

/** Every broken rule of layers and imports, as one sentence each. */
export function violations(files: readonly SourceFile[], packages: readonly WorkspacePackage[]): readonly string[] {
  const byName = new Map(packages.map((item) => [item.name, item]));
  return [
    ...packages.flatMap((from) =>
      [...from.dependencies, ...from.devDependencies].flatMap((name) => {
        const to = byName.get(name);
        // A plugin that imports another's contract must depend on the whole package.
        const isContract = to && layerOf(to) === 'plugin' && allowed[layerOf(from)]?.includes('plugin contract');
        return to && !isContract ? layerProblem(from, to, layerOf(to), `${from.folder}/package.json`) : [];
      }),
    ),
    ...files.flatMap((file) => {
      const from = packages.find(({ folder }) => file.path.startsWith(`${folder}/`));
      const folder = file.path.split('/').find((part) => meaningless.includes(part));
      return [
        ...(folder ? [`${file.path}: a folder called "${folder}" says nothing. Name it after its subject.`] : []),
        ...(from ? file.imports.flatMap((specifier) => importProblems(file.path, specifier, from, byName)) : []),
      ];
    }),
  ];
}

function importProblems(
  path: string,
  specifier: string,
  from: WorkspacePackage,
  byName: ReadonlyMap<string, WorkspacePackage>,
): string[] {
  if (isBuiltin(specifier) || specifier.startsWith('#')) return [];
  if (specifier.startsWith('.')) {
    const inside = join(path, '..', specifier).startsWith(`${from.folder}/`);
    return inside
      ? []
      : [`${path}: ${from.name} imports "${specifier}", outside its own folder. Import a package by name.`];
  }
  const parts = specifier.split('/');
  const name = parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
  const subpath = ['.', ...parts.slice(name.split('/').length)].join('/');
  const to = byName.get(name);
  const isTest = /\.test\.\w+$/.test(path);
  const isTool = from.unpublished?.some((folder) => path.startsWith(`${from.folder}/src/${folder}/`)) ?? false;
  const declared = [
    ...from.dependencies,
    ...(isTest || isTool ? [...from.devDependencies, ...rootTools] : []),
    from.name,
  ];
  const problems: string[] = [];
  if (onlyInKernel.includes(name) && layerOf(from) !== 'kernel')
    problems.push(`${path}: ${from.name} may not import ${name}; only @stackyard/kernel does.`);
  if (to && to !== from) {
    const layer = layerOf(to) === 'plugin' && subpath === './contract' ? 'plugin contract' : layerOf(to);
    problems.push(...layerProblem(from, to, layer, path));
  }
  if (to && !to.exports.includes(subpath))
    problems.push(`${path}: ${from.name} imports "${specifier}", but ${name} exports only ${to.exports.join(', ')}.`);
  if (!declared.includes(name))
    problems.push(`${path}: ${from.name} imports ${name}, which its package.json does not declare.`);
  return problems;
}

function layerProblem(from: WorkspacePackage, to: WorkspacePackage, layer: string, where: string): string[] {
  const may = allowed[layerOf(from)];
  if (!may) return [`${from.folder}: no layer is known for ${from.name}. Give it one in core/workspace/layers.ts.`];
  if (may.includes(layer)) return [];
  const list = may.length > 0 ? `only ${may.join(', ')}` : 'nothing of ours';
  return [`${where}: ${from.name} (${layerOf(from)}) may not import ${to.name} (${layer}); allowed: ${list}.`];
}
