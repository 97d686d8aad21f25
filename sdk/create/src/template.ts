import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Words } from './packageJson.ts';

const own = (path: string): string => fileURLToPath(new URL(`../template/${path}`, import.meta.url));
const hello = (path: string): string =>
  fileURLToPath(new URL(`../../../examples/hello-stack/src/${path}`, import.meta.url));

/** Files of a scaffold by their path, and where each comes from: npm would leave a .gitignore out of the package. */
const FILES: Readonly<Record<string, (words: Words) => string>> = {
  'src/index.ts': () => source('index.ts'),
  'src/NAME.test.ts': () => source('hello.test.ts'),
  'README.md': () => own('README.md'),
  'tsconfig.json': () => own('tsconfig.json'),
  '.gitignore': () => own('gitignore'),
};

/** In the repository the example itself, in a package the copy that was packed with it. */
function source(file: string): string {
  return existsSync(hello(file)) ? hello(file) : own(`src/${file}`);
}

/** The template's files with the new names in the place of the example's. */
export async function templateFiles(words: Words): Promise<Record<string, string>> {
  const entries = Object.entries(FILES).map(async ([path, from]): Promise<[string, string]> => {
    return [path.replace('NAME', words.service), renamed(await readFile(from(words), 'utf8'), words)];
  });
  return Object.fromEntries(await Promise.all(entries));
}

function renamed(text: string, { service, package: name, title }: Words): string {
  return text
    .replaceAll('@stack/hello', name)
    .replaceAll(/(?<=['/ ])hello(?=['`\s./])/g, service)
    .replaceAll(/\bHello\b/g, title);
}
