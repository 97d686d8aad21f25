import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import type { ArtifactFile } from '../artifact/tarball.ts';
import { isError, StackDefinitionError, type StackProblem } from '../define/errors.ts';
import type { StackManifest } from '../manifest/manifest.ts';
import { analyseTemplate } from '../render/analyse.ts';
import { didYouMean } from '../render/nearest.ts';
import { bundleLifecycle } from './bundle.ts';
import { loadDefinition } from './load.ts';
import { readAssets, readPackage, type StackPackage } from './package.ts';
import { checkRules } from './promtool.ts';
import { missingScripts } from './scripts.ts';
import { placed } from './sites.ts';

/** What is wrong in a stack's package, all at once. */
export interface StackCheck {
  /** Errors keep the stack from being built, warnings do not; by file and line. */
  readonly problems: readonly StackProblem[];
  /** What could not be looked at on this machine, each as a sentence without a full stop. */
  readonly notes: readonly string[];
}

/** A checked package with all that its artifact is made of. */
export interface CheckedPackage extends StackCheck {
  readonly source: StackPackage;
  readonly assets: readonly ArtifactFile[];
  /** Absent when something is an error. */
  readonly built?: { readonly manifest: StackManifest; readonly lifecycle: string };
}

export interface CheckOptions {
  /** Prometheus' tool; the one on PATH when absent. */
  readonly promtool?: string;
}

/**
 * Finds everything that is wrong in a stack's package, with the place and what to do about it, and writes nothing.
 * @example
 * const { problems } = await checkStack('stacks/zookeeper');
 */
export async function checkStack(folder: string, options: CheckOptions = {}): Promise<StackCheck> {
  try {
    const { problems, notes } = await checkPackage(folder, options);
    return { problems, notes };
  } catch (error) {
    if (error instanceof StackDefinitionError) return { problems: error.problems, notes: [] };
    throw error;
  }
}

const TEMPLATES = 'templates/';

/** @throws StackDefinitionError for a folder that is no package of a stack, of which nothing else can be said. */
export async function checkPackage(folder: string, options: CheckOptions = {}): Promise<CheckedPackage> {
  const source = await readPackage(folder);
  const assets = await readAssets(source);
  const templates = assets.filter(({ path }) => path.startsWith(TEMPLATES));
  const { manifest, draft, problems, places } = await loadDefinition({
    folder: source.folder,
    entry: source.entry,
    options: {
      name: source.name,
      version: source.version,
      sdk: await sdkVersion(),
      templates: templates.map(({ path }) => path.slice(TEMPLATES.length)),
    },
  });
  const scripts = assets.flatMap(({ path, executable }) => (executable ? [path] : []));
  // A definition that the schema refuses may be of any form; what else is wrong is told as far as it can be seen.
  const seen = async <T extends { readonly problems: readonly StackProblem[] }>(
    look: (stack: StackManifest) => Promise<T>,
  ) => {
    if (!draft) return undefined;
    return manifest ? look(manifest) : look(draft).catch(() => undefined);
  };
  const [calls, rules, bundle, faults] = await Promise.all([
    missingScripts(source.folder, scripts),
    seen((stack) => checkRules(stack, options)),
    seen((stack) => bundled(source, stack)),
    seen(async (stack) => ({ problems: templateProblems(stack, templates) })),
  ]);
  const all = [problems, calls, rules?.problems ?? [], bundle?.problems ?? [], faults?.problems ?? []].flat();
  const found = all.map((problem) => inPackage(placed(problem, places), source.folder)).toSorted(byPlace);
  const notes = rules?.note === undefined ? [] : [rules.note];
  const isGood = manifest && bundle?.code !== undefined && !found.some(isError);
  return { source, assets, problems: found, notes, ...(isGood ? { built: { manifest, lifecycle: bundle.code } } : {}) };
}

interface Bundled {
  readonly code?: string;
  readonly problems: readonly StackProblem[];
}

async function bundled(source: StackPackage, stack: StackManifest): Promise<Bundled> {
  try {
    return { code: await bundleLifecycle(source, stack), problems: [] };
  } catch (error) {
    if (error instanceof StackDefinitionError) return { problems: error.problems };
    throw error;
  }
}

/** Templates against the configs that they write. One that writes none is looked for nowhere. */
function templateProblems(stack: StackManifest, templates: readonly ArtifactFile[]): StackProblem[] {
  const uses = stack.services.flatMap((service) => service.configs.map((config) => ({ stack, service, config })));
  const wanted = uses.map(({ config }) => `${config.name}.hbs`);
  return templates.flatMap(({ path, content }): StackProblem[] => {
    const name = path.slice(TEMPLATES.length);
    const own = uses.filter(({ config }) => config.file && config.template === name);
    if (own.length === 0) {
      const hint = didYouMean(name, wanted);
      const reason = `no config is written by it${hint}`;
      return [{ where: path, reason, remedy: 'rename it, or remove it', severity: 'warning', at: { file: path } }];
    }
    const faults = own.flatMap((use) => analyseTemplate(name, content.toString('utf8'), use));
    const distinct = new Map(faults.map((fault) => [JSON.stringify(fault), fault]));
    return [...distinct.values()].map(({ line, column, reason, remedy }) => ({
      where: path,
      reason,
      remedy,
      at: { file: path, line, column },
    }));
  });
}

/** Nobody needs to read where on this machine a package lies. */
function inPackage(problem: StackProblem, folder: string): StackProblem {
  if (!problem.where.startsWith(`${folder}/`)) return problem;
  const where = relative(folder, problem.where);
  return { ...problem, where, at: problem.at ?? { file: where } };
}

function byPlace(a: StackProblem, b: StackProblem): number {
  const [left, right] = [a.at, b.at];
  if (!left || !right) return left ? -1 : right ? 1 : 0;
  if (left.file !== right.file) return left.file < right.file ? -1 : 1;
  return (left.line ?? 0) - (right.line ?? 0) || (left.column ?? 0) - (right.column ?? 0);
}

async function sdkVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
