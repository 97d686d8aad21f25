import { UsageError } from '../errors.ts';
import { type Column, table } from './table.ts';
import type { Colours, Terminal } from './terminal.ts';

export const FORMATS = ['table', 'json', 'yaml', 'name'] as const;
export type Format = (typeof FORMATS)[number];

/** How one kind of thing is shown. */
export interface View<Item> {
  readonly columns: (colours: Colours) => readonly Column<Item>[];
  /** What `-o name` prints, one per line: what other commands take as argument. */
  readonly name: (item: Item) => string;
  /** One sentence for an empty list. */
  readonly none: string;
}

/** @throws UsageError */
export function parseFormat(text: string): Format {
  const found = FORMATS.find((format) => format === text);
  if (!found) throw new UsageError(`-o ${text} is not known: use ${FORMATS.join(', ')}.`);
  return found;
}

/** Prints a list: as table for people, as an array for programs. */
export async function printList<Item>(
  terminal: Terminal,
  items: readonly Item[],
  view: View<Item>,
  format: Format,
): Promise<void> {
  if (format === 'name') return terminal.out(items.map((item) => `${view.name(item)}\n`).join(''));
  if (format !== 'table') return printData(terminal, items, format);
  if (items.length === 0) return terminal.err(`${view.none}\n`);
  terminal.out(table(items, view.columns(terminal.colours), terminal.colours.bold));
}

/** Prints one thing: in the words of `human`, or as it is for programs. */
export async function printOne<Item>(
  terminal: Terminal,
  item: Item,
  { human, name }: { readonly human: (item: Item) => string; readonly name: (item: Item) => string },
  format: Format,
): Promise<void> {
  if (format === 'name') return terminal.out(`${name(item)}\n`);
  if (format === 'table') return terminal.out(human(item));
  return printData(terminal, item, format);
}

export async function printData(terminal: Terminal, data: unknown, format: 'json' | 'yaml'): Promise<void> {
  if (format === 'json') return terminal.out(`${JSON.stringify(data, undefined, 2)}\n`);
  const { stringify } = await import('yaml');
  terminal.out(stringify(data, { lineWidth: 0 }));
}
