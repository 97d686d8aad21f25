// The steps of `npm test`, made from the files that are there.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string} group what `--only` selects
 * @property {readonly string[]} command
 * @property {string} [folder] where it runs, from the root
 * @property {Record<string, string>} [env]
 * @property {number} limitMinutes
 * @property {readonly string[]} [reports] absolute paths; without them the step counts as one test
 */

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Tools whose absence makes a test skip: a cached result holds only where the same ones are there. */
const tools = ['promtool', 'mvn', 'java', 'unshare', 'flock', 'setpriv', 'ip', 'nft', 'shellcheck'];
/** Suffixes of test files by kind; `unit` is what has none of the others. */
const suffixes = { integration: '.integration.test.ts', e2e: '.e2e.test.ts', long: '.long.test.ts' };
/** Groups that run only where they are asked for by name: they take longer than anybody waits for `npm test`. */
const onlyWhenNamed = ['long'];

/** @returns {readonly Step[]} */
export function stepsOf() {
  const packages = workspacePackages();
  const unit = packages.filter((folder) => testFiles(folder).some((file) => kindOf(file) === 'unit'));
  return [
    { name: 'types', group: 'types', command: ['tsc', '-b'], limitMinutes: 10 },
    { name: 'lint', group: 'lint', command: ['npm', 'run', '-s', 'lint'], limitMinutes: 10 },
    { name: 'format', group: 'format', command: ['npm', 'run', '-s', 'format:check'], limitMinutes: 10 },
    { ...vitest('workspace', '.', 10), name: 'layers', group: 'layers' },
    {
      name: 'unit',
      group: 'unit',
      // One package at a time: two cores and their memory are busy with the files of one.
      command: [
        'turbo',
        'run',
        'test',
        '--continue',
        '--concurrency=1',
        '--output-logs=errors-only',
        '--env-mode=loose',
      ],
      env: { TEST_TOOLS: testTools() },
      limitMinutes: 30,
      reports: unit.map((folder) => join(root, folder, 'reports', 'unit.json')),
    },
    ...kindSteps('integration', packages, 30),
    ...kindSteps('e2e', packages, 45),
    ...kindSteps('long', packages, 90),
  ];
}

/**
 * @param {readonly Step[]} steps
 * @param {{ only?: string | undefined, noE2e?: boolean | undefined }} options
 * @returns {readonly Step[]}
 */
export function chooseSteps(steps, { only, noE2e = false }) {
  const groups = [...new Set(steps.map(({ group }) => group))];
  const wanted =
    only?.split(',').map((name) => name.trim()) ?? groups.filter((group) => !onlyWhenNamed.includes(group));
  const unknown = wanted.filter((name) => !groups.includes(name));
  if (unknown.length > 0) throw new Error(`There is no step ${unknown.join(', ')}. There are: ${groups.join(', ')}.`);
  return steps.filter(({ group }) => wanted.includes(group) && !(noE2e && group === 'e2e'));
}

/**
 * A step for each package that has tests of the kind; one that fails when none has.
 *
 * @param {'integration' | 'e2e' | 'long'} kind
 * @param {readonly string[]} packages
 * @param {number} limitMinutes
 * @returns {Step[]}
 */
function kindSteps(kind, packages, limitMinutes) {
  const folders = packages.filter((folder) => testFiles(folder).some((file) => kindOf(file) === kind));
  return (folders.length > 0 ? folders : ['.']).map((folder) => vitest(kind, folder, limitMinutes));
}

/**
 * @param {'workspace' | 'integration' | 'e2e' | 'long'} kind
 * @param {string} folder
 * @param {number} limitMinutes
 * @returns {Step}
 */
function vitest(kind, folder, limitMinutes) {
  return {
    name: folder === '.' ? kind : `${kind} ${folder}`,
    group: kind,
    command: ['vitest', 'run', '--config', join(root, 'vitest.config.ts')],
    folder,
    env: { TEST_KIND: kind },
    limitMinutes,
    reports: [join(root, folder, 'reports', `${kind}.json`)],
  };
}

/** Folders of the workspace's packages, as the root package.json lists them. */
function workspacePackages() {
  /** @type {{ workspaces: string[] }} */
  const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return workspaces
    .flatMap((glob) => {
      if (!glob.endsWith('/*')) return [glob];
      const parent = glob.slice(0, -2);
      return existsSync(join(root, parent)) ? readdirSync(join(root, parent)).map((name) => `${parent}/${name}`) : [];
    })
    .filter((folder) => existsSync(join(root, folder, 'package.json')));
}

/** @param {string} folder */
function testFiles(folder) {
  return ['src', 'e2e']
    .flatMap((part) => {
      const path = join(root, folder, part);
      return existsSync(path) ? readdirSync(path, { recursive: true, encoding: 'utf8' }) : [];
    })
    .filter((file) => file.endsWith('.test.ts'));
}

/** @param {string} file */
function kindOf(file) {
  return Object.entries(suffixes).find(([, suffix]) => file.endsWith(suffix))?.[0] ?? 'unit';
}

/** Names of the tools that are there, and whether this is root: what decides which tests are skipped. */
function testTools() {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = tools.filter((tool) => folders.some((folder) => isFile(join(folder, tool))));
  return [...found, ...(process.getuid?.() === 0 ? ['root'] : [])].join(',');
}

/** @param {string} path */
function isFile(path) {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
