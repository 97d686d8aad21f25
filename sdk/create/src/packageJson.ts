import { readFile } from 'node:fs/promises';

/** What a scaffold is called. */
export interface Words {
  readonly service: string;
  readonly package: string;
  readonly title: string;
}

/** The package.json of a new stack: pins of what this version was tested with, scripts for all that an author does. */
export async function packageJson({ package: name, title }: Words): Promise<string> {
  const own = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as OwnPackage;
  const { '@stackyard/sdk': sdk, typescript, vitest } = own.devDependencies;
  const content = {
    name,
    version: '0.1.0',
    description: `${title} as a stack for Stackyard.`,
    license: 'Apache-2.0',
    keywords: ['stackyard-stack'],
    type: 'module',
    exports: './src/index.ts',
    files: ['dist/stack', 'README.md'],
    scripts: {
      check: 'stackyard stack check',
      build: 'stackyard stack build',
      test: 'vitest run',
      'test:real': 'stackyard stack test --real',
      dev: 'stackyard stack dev',
      types: 'tsc --noEmit',
      prepack: 'stackyard stack build',
    },
    // Of the CLI and the SDK, which are released together, only an author has need: the artifact is self-contained.
    devDependencies: { '@stackyard/cli': sdk, '@stackyard/sdk': sdk, typescript, vitest },
    stackyard: { kind: 'stack' },
  };
  return `${JSON.stringify(content, undefined, 2)}\n`;
}

interface OwnPackage {
  readonly devDependencies: Readonly<Record<'@stackyard/sdk' | 'typescript' | 'vitest', string>>;
}
