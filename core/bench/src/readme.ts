import { readFile, writeFile } from 'node:fs/promises';
import { type Figure, rowHeader, rowOf } from './figures.ts';
import { machine } from './machine.ts';

export interface Section {
  readonly name: string;
  /** Of the machine, just before. */
  readonly load: number;
  readonly figures: readonly Figure[];
}

const readme = new URL('../README.md', import.meta.url);

/** Replaces what stands between the markers of each bench; benches that were not run keep their figures. */
export async function writeReadme(sections: readonly Section[]): Promise<void> {
  let text = await readFile(readme, 'utf8');
  for (const section of sections) text = replaceSection(text, section);
  await writeFile(readme, text);
}

/** @throws Error when the markers are missing */
export function replaceSection(text: string, { name, load, figures }: Section): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md has no place for ${name}: it lacks ${begin} or ${end}.`);
  const date = new Date().toISOString().slice(0, 10);
  const measured = `${date}, ${machine()}; load of the machine just before: ${load.toFixed(1)}.`;
  const table = [rowHeader, ...figures.map(rowOf)].join('\n');
  return `${text.slice(0, from)}${begin}\n${measured}\n\n${table}\n${text.slice(to)}`;
}
