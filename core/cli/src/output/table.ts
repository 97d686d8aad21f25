import { padEnd, widthOf } from './terminal.ts';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
}

/** Columns under their titles, two spaces apart, without trailing spaces. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  bold: (text: string) => string,
): string {
  const lines = [columns.map(({ title }) => bold(title)), ...rows.map((row) => columns.map(({ cell }) => cell(row)))];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => widthOf(line[column] ?? ''))));
  return lines
    .map((line) =>
      line
        .map((text, column) => padEnd(text, widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** "Name   value" lines about one thing. */
export function facts(pairs: readonly (readonly [string, string])[], dim: (text: string) => string): string {
  const width = Math.max(...pairs.map(([name]) => widthOf(name)));
  return pairs.map(([name, value]) => `${dim(padEnd(name, width))}  ${value}\n`).join('');
}
