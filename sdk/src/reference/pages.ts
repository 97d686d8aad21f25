import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Declarations, readDeclarations } from './declarations.ts';
import { referenceText } from './markdown.ts';
import { schemaText } from './schema.ts';

const page = (name: string): string => fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));

/** The pages that are made from the sources, by file. */
export function pages(declarations: Declarations): Readonly<Record<string, string>> {
  return { [page('reference.md')]: referenceText(declarations), [page('manifest.schema.json')]: schemaText() };
}

if (import.meta.main) {
  for (const [file, text] of Object.entries(pages(readDeclarations()))) {
    await writeFile(file, text);
    process.stderr.write(`Wrote ${file}.\n`);
  }
}
