/** One measured figure: what the rounds gave, lowest to highest. */
export interface Figure {
  readonly name: string;
  readonly unit: 'ms' | 'ms/s' | 'kB' | 'MB' | 'MB/s' | '/s' | 'ratio' | 's' | '';
  readonly min: number;
  readonly median: number;
  readonly max: number;
  /** How many values it was made of. */
  readonly count?: number;
  /** What it should be, in words. */
  readonly aim?: string | undefined;
}

/** Receives each figure as soon as it is there. */
export type Report = (figure: Figure) => void;

export interface Naming {
  readonly name: string;
  readonly unit: Figure['unit'];
  readonly aim?: string;
}

/** @throws when there is no value: a figure of nothing would look measured. */
export function figureOf({ name, unit, aim }: Naming, values: readonly number[]): Figure {
  if (values.length === 0) throw new Error(`Nothing was measured for "${name}".`);
  const sorted = values.toSorted((a, b) => a - b);
  return { name, unit, min: sorted[0]!, median: quantile(sorted, 0.5), max: sorted.at(-1)!, count: values.length, aim };
}

/** @param sorted ascending, not empty */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
}

export function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

export const lineHeader = `${''.padEnd(66)} ${['min', 'median', 'max'].map((word) => word.padStart(10)).join(' ')}`;

/** A figure as one line of a terminal. */
export function lineOf({ name, unit, min, median, max, aim }: Figure): string {
  const columns = [min, median, max].map((value) => digits(value, unit).padStart(10)).join(' ');
  return `${name.padEnd(60)} ${unit.padEnd(5)} ${columns}${aim ? `  aim ${aim}` : ''}`;
}

/** A figure as one row of a Markdown table. */
export function rowOf({ name, unit, min, median, max, aim, count }: Figure): string {
  const cells = [min, median, max].map((value) => digits(value, unit));
  const title = name.startsWith(' ') ? `&nbsp;&nbsp;${name.trim()}` : name;
  return `| ${[title, unit, ...cells, count ?? '', aim ?? ''].join(' | ')} |`;
}

export const rowHeader = '| figure | unit | min | median | max | n | aim |\n|---|---|--:|--:|--:|--:|---|';

function digits(value: number, unit: Figure['unit']): string {
  if (unit === 'ratio') return value.toFixed(3);
  return value >= 1000 ? Math.round(value).toString() : value.toFixed(value < 10 ? 2 : 1);
}
