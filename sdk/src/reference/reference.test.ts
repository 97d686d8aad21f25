import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Described, problemsOf, readDeclarations } from './declarations.ts';
import { examplesProgram } from './examples.ts';
import { pages } from './pages.ts';
import { TOPICS } from './topics.ts';

const root = join(import.meta.dirname, '../../..');
const declarations = readDeclarations();
const all = [...declarations.values()].flatMap((each) => [...each.values()]);
const LONG = 120_000;

test(
  'the generated pages are up to date',
  async () => {
    for (const [file, text] of Object.entries(pages(declarations))) {
      const now = await readFile(file, 'utf8').catch(() => '');
      expect(now === text, `${relative(root, file)} is out of date: npm run reference -w @stackyard/sdk`).toBe(true);
    }
  },
  LONG,
);

test('every public name stands in exactly one topic', () => {
  for (const [entry, names] of declarations) {
    const told = TOPICS.filter((topic) => topic.entry === entry).flatMap((topic) => topic.names);
    expect(told.toSorted()).toEqual([...names.keys()].toSorted());
  }
});

test('everything public says what it is', () => {
  const silent = all.flatMap((each) => [
    ...(each.doc === '' ? [each.name] : []),
    ...each.members.filter(({ doc }) => doc === '').map(({ name }) => `${each.name}.${name}`),
  ]);
  expect(silent).toEqual([]);
});

test('every function, every builder and every method of one has an example', () => {
  const needing: readonly (readonly [string, Described])[] = all.flatMap((each) => [
    ...(each.kind === 'function' ? [[each.name, each] as const] : []),
    ...(each.name === 'p' || each.name === 'PropertyBuilder'
      ? each.members
          .filter(({ isMethod }) => isMethod)
          .map((member) => [`${each.name}.${member.name}`, member] as const)
      : []),
  ]);
  expect(needing.filter(([, { examples }]) => examples.length === 0).map(([name]) => name)).toEqual([]);
});

test(
  'the examples compile',
  () => {
    expect(problemsOf({ 'program.ts': examplesProgram(declarations) })).toEqual([]);
  },
  LONG,
);

test('the examples of definitions run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stackyard-reference-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'examples.ts'), examplesProgram(declarations, ['@stackyard/sdk']));
  await expect(import(join(folder, 'examples.ts'))).resolves.toBeDefined();
});
