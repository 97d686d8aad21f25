import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StackProblem } from '../define/errors.ts';
import { didYouMean } from '../render/nearest.ts';

const SOURCE = /\.[cm]?[jt]s$/;
const LEFT_OUT = new Set(['node_modules', 'dist', 'reports', 'golden']);

/** Calls of `host.script` that name a script which the package does not have. */
export async function missingScripts(folder: string, scripts: readonly string[]): Promise<StackProblem[]> {
  const files = await sourcesBelow(folder, '');
  const found = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(folder, file), 'utf8');
      return text.includes('.script(') ? callsOf(file, text) : [];
    }),
  );
  return found.flat().flatMap(({ path, at }): StackProblem[] => {
    if (scripts.includes(path)) return [];
    const reason = path.startsWith('scripts/')
      ? `its script ${path} is not there${didYouMean(path, scripts)}`
      : `its script ${path} does not lie in scripts/, and nothing else is in the artifact`;
    const remedy = path.startsWith('scripts/') ? 'add it, or correct the path' : 'move it to scripts/';
    return [{ where: at.file, reason, remedy, at }];
  });
}

async function sourcesBelow(folder: string, path: string): Promise<string[]> {
  const entries = await readdir(join(folder, path), { withFileTypes: true });
  const found = await Promise.all(
    entries
      .filter(({ name }) => !name.startsWith('.') && !LEFT_OUT.has(name) && !/\.test\.\w+$/.test(name))
      .map(async (entry) => {
        const inner = path === '' ? entry.name : `${path}/${entry.name}`;
        if (entry.isDirectory()) return sourcesBelow(folder, inner);
        return entry.isFile() && SOURCE.test(entry.name) && !entry.name.endsWith('.d.ts') ? [inner] : [];
      }),
  );
  return found.flat().sort();
}

interface ScriptCall {
  readonly path: string;
  readonly at: { readonly file: string; readonly line: number; readonly column: number };
}

interface Tree {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

/** Every `x.script('…')` with a constant path; one that is made at run time is known only then. */
async function callsOf(file: string, text: string): Promise<ScriptCall[]> {
  // Loaded only here: it is native code.
  const { parseAst } = await import('rolldown/parseAst');
  const found: ScriptCall[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit);
    if (typeof value !== 'object' || value === null) return;
    const tree = value as Tree;
    if (tree.type === 'CallExpression') {
      const callee = tree['callee'] as Tree;
      const [first] = tree['arguments'] as Tree[];
      const name = (callee['property'] as Tree | undefined)?.['name'];
      const path = first && constantText(first);
      if (callee.type === 'MemberExpression' && name === 'script' && path !== undefined) {
        found.push({ path, at: { file, ...lineAndColumn(text, first!.start) } });
      }
    }
    Object.values(tree).forEach(visit);
  };
  try {
    visit(parseAst(text, { lang: file.endsWith('ts') ? 'ts' : 'js' }).body);
  } catch {
    // A file that is no program is named when the definition is imported; one that is never imported does no harm.
  }
  return found;
}

function constantText(tree: Tree): string | undefined {
  if (tree.type === 'Literal') return typeof tree['value'] === 'string' ? tree['value'] : undefined;
  if (tree.type !== 'TemplateLiteral' || (tree['expressions'] as unknown[]).length > 0) return undefined;
  const [only] = tree['quasis'] as { readonly value: { readonly cooked: string } }[];
  return only?.value.cooked;
}

function lineAndColumn(text: string, start: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, start).split('\n');
  return { line: before.length, column: before.at(-1)!.length + 1 };
}
