import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');
const lines = (file: string): number => textOf(file).split('\n').length - 1;

/** What an author wrote for a stack: raw lines, tests and documents left out. */
interface Size {
  readonly files: number;
  /** Components, configs, services, monitoring: data. */
  readonly definition: number;
  /** Modules that only hold what runs on hosts. */
  readonly functions: number;
  /** Templates and shell scripts. */
  readonly templates: number;
}

const defines = /\b(define[A-Z]\w+|dashboard|alert|profile)\(/;
/** How far a figure of the table may be from what is counted: a line more is no reason to touch a document. */
const TOLERANCE = 0.1;

function sizeOf(stack: string): Size {
  const under = (folder: string): string[] =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      : [];
  const sources = under(`stacks/${stack}/src`).filter((file) => /(?<!\.test)\.ts$/.test(file));
  const templates = [...under(`stacks/${stack}/templates`), ...under(`stacks/${stack}/scripts`)];
  const sum = (files: readonly string[]): number => files.reduce((total, file) => total + lines(file), 0);
  const definition = sources.filter((file) => defines.test(textOf(file)));
  return {
    files: sources.length + templates.length,
    definition: sum(definition),
    functions: sum(sources.filter((file) => !definition.includes(file))),
    templates: sum(templates),
  };
}

const stacks = readdirSync(join(root, 'stacks'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(join(root, 'stacks', entry.name, 'package.json')))
  .map(({ name }) => name);

test.each(stacks)('the table of stacks/README.md has the figures of %s', (stack) => {
  const { files, definition, functions, templates } = sizeOf(stack);
  const counted = [files, definition, functions, templates, definition + functions + templates];
  const start = `| [\`stacks/${stack}\`](${stack}) |`;
  const row = textOf('stacks/README.md')
    .split('\n')
    .find((line) => line.startsWith(start));
  const said = row
    ?.slice(start.length)
    .split('|')
    .slice(0, counted.length)
    .map((cell) => Number(cell.replaceAll(',', '')));
  const near = said?.map((figure, index) => {
    const right = counted[index] ?? 0;
    return Math.abs(figure - right) <= Math.max(1, right * TOLERANCE) ? right : figure;
  });
  // A difference shows what belongs there.
  expect(near).toEqual(counted);
});

test('the smallest useful stack has fewer than 20 lines', () => {
  expect(lines('examples/hello-stack/src/index.ts')).toBeLessThan(20);
});

test('ZooKeeper as Ambari has it (install, config, health, metrics, alerts, dashboard, action, rolling upgrade, check) has fewer than 150', () => {
  expect(lines('stacks/zookeeper/src/index.ts')).toBeLessThan(150);
});

test('Kafka as operators have it elsewhere (topics, reassigning, decommissioning, waits for copies, two versions, sizes) has fewer than 950', () => {
  const { definition, functions, templates } = sizeOf('kafka');
  expect(definition + functions + templates + lines('stacks/kafka/3.9/package.json')).toBeLessThan(950);
});
