import { fileURLToPath } from 'node:url';
import { Node, Project } from 'ts-morph';
import { declarationOf } from './declarationOf.ts';

/** What has a docstring: an export, a member of one, a builder. */
export interface Described {
  readonly name: string;
  /** As the source has it, without bodies and docstrings. */
  readonly signature: string;
  readonly doc: string;
  readonly examples: readonly string[];
}

export interface Member extends Described {
  readonly optional: boolean;
  /** Methods have a signature of their own; of all others it is a type. */
  readonly isMethod: boolean;
}

export interface Declaration extends Described {
  readonly kind: 'function' | 'value' | 'class' | 'interface' | 'type';
  /** Options of an interface, methods of a class, parts of a constant. */
  readonly members: readonly Member[];
}

const source = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const ENTRIES = { '@stackyard/sdk': source('define/index.ts'), '@stackyard/sdk/testing': source('testing/index.ts') };
export type Entry = keyof typeof ENTRIES;
export type Declarations = ReadonlyMap<Entry, ReadonlyMap<string, Declaration>>;

/** Everything that the entries of the package export, read from the sources. */
export function readDeclarations(): Declarations {
  const sources = project();
  const entries = Object.entries(ENTRIES).map(([entry, file]): [Entry, ReadonlyMap<string, Declaration>] => {
    const exported = sources.addSourceFileAtPath(file).getExportedDeclarations();
    const declarations = [...exported].map(([name, found]): [string, Declaration] => [
      name,
      declarationOf(name, chosen(name, found)),
    ]);
    return [entry as Entry, new Map(declarations)];
  });
  return new Map(entries);
}

/** What a compiler says of sources by their path, which import the package; of an example, which one it is. */
export function problemsOf(sources: Readonly<Record<string, string>>): string[] {
  const files = Object.entries(sources).map(([path, content]) =>
    project().createSourceFile(source(`reference/virtual/${path}`), content, { overwrite: true }),
  );
  const problems = files.flatMap((file) =>
    file.getPreEmitDiagnostics().map((diagnostic) => {
      const message = diagnostic.getMessageText();
      const text = typeof message === 'string' ? message : message.getMessageText();
      const before = file.getFullText().slice(0, diagnostic.getStart()).split('\n');
      return `${file.getBaseName()}:${before.length} ${before.findLast((line) => line.startsWith('// ')) ?? ''} ${text}`;
    }),
  );
  for (const file of files) file.forget();
  return problems;
}

let shared: Project | undefined;

/** One for all: what it has read of the package it need not read again. */
function project(): Project {
  return (shared ??= newProject());
}

function newProject(): Project {
  const tsConfigFilePath = fileURLToPath(new URL('../../tsconfig.json', import.meta.url));
  // Nothing is written, and a program of examples is no part of the package.
  const compilerOptions = { composite: false, noEmit: true };
  return new Project({ tsConfigFilePath, skipAddingFilesFromTsConfig: true, compilerOptions });
}

/** A schema and its type share a name; authors use the type. */
function chosen(name: string, found: readonly Node[]): Node {
  const node = found.find((each) => Node.isTypeAliasDeclaration(each)) ?? found[0];
  if (!node) throw new Error(`${name} is exported and declared nowhere.`);
  return node;
}
