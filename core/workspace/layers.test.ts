import { globSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path/posix';
import { parseSync, Visitor } from 'rolldown/utils';
import { describe, expect, test } from 'vitest';
import { type SourceFile, violations, type WorkspacePackage } from './layers.ts';

interface Manifest {
  readonly name: string;
  readonly workspaces?: readonly string[];
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly stackyard?: { readonly kind?: string };
  readonly files?: readonly string[];
  readonly [section: `${string}ependencies`]: Readonly<Record<string, string>> | undefined;
}
const manifestOf = (file: string): Manifest => JSON.parse(readFileSync(file, 'utf8')) as Manifest;

function readPackage(file: string): WorkspacePackage {
  const { name, exports = {}, stackyard, files = [], ...manifest } = manifestOf(file);
  const names = (sections: readonly `${string}ependencies`[]) =>
    sections.flatMap((key) => Object.keys(manifest[key] ?? {}));
  return {
    folder: dirname(file),
    name,
    kind: stackyard?.kind,
    exports: Object.keys(exports),
    dependencies: names(['dependencies', 'optionalDependencies', 'peerDependencies']),
    devDependencies: names(['devDependencies']),
    unpublished: files.flatMap((pattern) => /^!dist\/([a-z]+)$/.exec(pattern)?.[1] ?? []),
  };
}

function readSource(path: string): SourceFile {
  const code = readFileSync(path, 'utf8');
  const { module, program, errors } = parseSync(path, code);
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`);
  const imports = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) => entries.flatMap((entry) => entry.moduleRequest?.value ?? [])),
    ...module.dynamicImports.flatMap(
      ({ moduleRequest: { start, end } }) => /^(['"`])([^$]*)\1$/.exec(code.slice(start, end))?.[2] ?? [],
    ),
  ];
  new Visitor({ TSImportType: ({ source }) => void imports.push(source.value) }).visit(program);
  return { path, imports: [...new Set(imports)] };
}

const packages = globSync(manifestOf('package.json').workspaces!.map((glob) => `${glob}/package.json`)).map(
  readPackage,
);
const skipped = ['node_modules', 'dist', 'reports', '.turbo'];
const files = packages.flatMap(({ folder }) =>
  globSync(`${folder}/**/*.{ts,mts,js,mjs}`, {
    exclude: (name) => skipped.some((skip) => name.split('/').includes(skip)),
  }).map(readSource),
);

test('every package imports only what stands to its left, and what it declares', () => {
  expect(packages.length).toBeGreaterThan(10);
  expect(files.length).toBeGreaterThan(100);
  expect(violations(files, packages)).toEqual([]);
});

describe('the layer test can fail', () => {
  const item = (folder: string, name: string, dependencies: string[], more: Partial<WorkspacePackage> = {}) =>
    ({ folder, name, dependencies, devDependencies: [], exports: ['.'], ...more }) satisfies WorkspacePackage;
  const contract = { exports: ['.', './contract'] };
  const world = [
    item('core/domain', '@stackyard/domain', []),
    item('sdk', '@stackyard/sdk', ['@stackyard/domain'], { devDependencies: ['fast-check'], unpublished: ['tools'] }),
    item('core/kernel', '@stackyard/kernel', ['tsyringe', 'reflect-metadata']),
    item('core/server', '@stackyard/server', ['@stackyard/kernel', 'tsyringe']),
    item('core/agent', '@stackyard/agent', []),
    item('stacks/kafka', '@stack/kafka', ['@stackyard/sdk', '@stack/hello']),
    item('examples/hello', '@stack/hello', ['@stackyard/sdk'], { kind: 'stack' }),
    item('examples/tour', 'tour', ['@stackyard/server', '@stack/kafka']),
    item('plugins/a', '@stackyard/plugin-a', ['@stackyard/kernel', '@stackyard/plugin-b'], contract),
    item('plugins/b', '@stackyard/plugin-b', [], contract),
    item('web', '@stackyard/web', []),
  ];
  const of = (path: string, ...imports: string[]) => violations([{ path, imports }], world);

  test.each([
    ['sdk/src/a.ts', '@stackyard/domain'],
    ['sdk/src/a.test.ts', 'fast-check'],
    ['sdk/src/a.test.ts', 'vitest'],
    ['sdk/src/tools/a.ts', 'fast-check'],
    ['sdk/src/a.ts', 'node:fs'],
    ['sdk/src/deep/a.ts', '../b.ts'],
    ['core/kernel/src/a.ts', 'tsyringe'],
    ['stacks/kafka/src/a.ts', '@stack/hello'],
    ['plugins/a/src/a.ts', '@stackyard/plugin-b/contract'],
    ['plugins/a/src/a.ts', '@stackyard/plugin-a/contract'],
    ['examples/tour/src/a.ts', '@stack/kafka'],
  ])('%s may import %s', (path, specifier) => expect(of(path, specifier)).toEqual([]));

  test.each([
    [
      'core/domain/src/a.ts',
      '@stackyard/sdk',
      '@stackyard/domain (domain) may not import @stackyard/sdk (sdk); allowed: only proto.',
    ],
    ['core/server/src/a.ts', '@stackyard/agent', '@stackyard/server (server) may not import @stackyard/agent (agent)'],
    ['core/agent/src/a.ts', '@stackyard/server', '@stackyard/agent (agent) may not import @stackyard/server (server)'],
    ['core/server/src/a.ts', '@stack/kafka', 'may not import @stack/kafka (stack)'],
    [
      'core/server/src/a.test.ts',
      '@stackyard/plugin-a/contract',
      'may not import @stackyard/plugin-a (plugin contract)',
    ],
    [
      'examples/hello/src/a.ts',
      '@stackyard/kernel',
      '@stack/hello (stack) may not import @stackyard/kernel (kernel); allowed: only sdk, stack.',
    ],
    [
      'plugins/a/src/a.ts',
      '@stackyard/plugin-b',
      '(plugin) may not import @stackyard/plugin-b (plugin); allowed: only domain,',
    ],
    [
      'web/src/a.ts',
      '@stackyard/domain',
      '@stackyard/web (web) may not import @stackyard/domain (domain); allowed: nothing of ours.',
    ],
    ['core/server/src/a.ts', 'tsyringe', '@stackyard/server may not import tsyringe; only @stackyard/kernel does.'],
    ['core/server/src/a.ts', '@stackyard/kernel/src/token.ts', 'but @stackyard/kernel exports only .'],
    ['sdk/src/a.ts', '../../core/domain/src/index.ts', 'outside its own folder'],
    ['sdk/src/a.ts', '../../sdkx/a.ts', 'outside its own folder'],
    ['sdk/src/a.ts', 'zod', '@stackyard/sdk imports zod, which its package.json does not declare.'],
    ['sdk/src/a.ts', 'fast-check', 'does not declare'],
    ['sdk/src/a.ts', 'vitest', 'does not declare'],
    ['examples/tour/src/a.ts', '@stackyard/domain', 'does not declare'],
  ])('%s may not import %s', (path, specifier, sentence) => expect(of(path, specifier).join('\n')).toContain(sentence));

  test('folders have names that say something', () => {
    expect(of('sdk/src/utils/a.ts')).toEqual([
      'sdk/src/utils/a.ts: a folder called "utils" says nothing. Name it after its subject.',
    ]);
  });

  test('a dependency that is declared and not imported counts as well', () => {
    const server = item('core/server', '@stackyard/server', [], { devDependencies: ['@stack/kafka'] });
    expect(violations([], [...world.filter(({ name }) => name !== server.name), server])).toEqual([
      'core/server/package.json: @stackyard/server (server) may not import @stack/kafka (stack); allowed: only proto, domain, sdk, planner, kernel, contract.',
    ]);
  });

  test('a package nobody gave a layer is refused', () => {
    const odd = item('core/odd', '@stackyard/odd', ['@stackyard/domain']);
    expect(violations([], [...world, odd])).toEqual([
      'core/odd: no layer is known for @stackyard/odd. Give it one in core/workspace/layers.ts.',
    ]);
  });
});
