import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { folderOf } from '../server/stackFiles.ts';

/** What `--stack all` brings up, in the order in which it is shown. */
const ALL = ['zookeeper', 'kafka', 'hadoop'];
const USUAL = ['zookeeper'];

/** A stack that the demo brings up. */
export interface DemoStack {
  /** Its package, as the server names it. */
  readonly name: string;
  /** What the server loads it by. */
  readonly source: string;
}

/**
 * The stacks of a demo: those of its data, which it keeps, and those that are asked for now. A short name such as `kafka`
 * is a stack of ours; a package or a folder may be of anybody.
 *
 * @throws UsageError, CliError for one that is not there
 */
export function demoStacks(asked: string | undefined, before: readonly string[] | undefined): DemoStack[] {
  const given = asked?.split(',').map((name) => name.trim()) ?? [];
  if (given.includes('')) throw new UsageError(`--stack ${asked}: name stacks such as zookeeper,kafka, or all.`);
  const wanted = given.flatMap((name) => (name === 'all' ? ALL : [name]));
  const names = [...(before ?? (wanted.length > 0 ? [] : USUAL)), ...wanted];
  const sources = [...new Set(names.map((name) => (/^[a-z][a-z0-9-]*$/.test(name) ? `@stack/${name}` : name)))];
  return sources.map((source) => ({ source, name: nameIn(folderOf(source)) }));
}

function nameIn(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name: string }).name;
}
