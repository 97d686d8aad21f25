import Handlebars from 'handlebars';
import { TemplateError } from './errors.ts';

/** A helper gets its arguments and the named ones of the call. */
export type TemplateHelper = (parameters: readonly unknown[], named: Readonly<Record<string, unknown>>) => unknown;

export interface CompiledTemplate {
  render(context: object, helpers: Readonly<Record<string, TemplateHelper>>): string;
}

/** Blocks that a template may use. */
export const TEMPLATE_BLOCKS: readonly string[] = ['if', 'unless', 'each', 'with'];
/** Helpers that write text in the form of a file. */
const WRITERS = ['property', 'properties', 'xml', 'yaml', 'env', 'ini', 'json', 'lines'] as const;
/** Helpers that make values. */
const MAKERS = ['concat', 'join', 'split', 'eq'] as const;
/** Names that a template may call. The compiler puts in two more, which cannot be called by name. */
export const TEMPLATE_HELPERS: readonly string[] = [...WRITERS, ...MAKERS];
const WRITE = '*write';
const GET = '*get';
const KNOWN = Object.fromEntries([...TEMPLATE_BLOCKS, ...TEMPLATE_HELPERS, WRITE, GET].map((name) => [name, true]));

const environment = Handlebars.create();
for (const name of ['log', 'lookup', 'helperMissing', 'blockHelperMissing']) environment.unregisterHelper(name);

const compiled = new Map<string, CompiledTemplate>();
const KEPT = 200;

/**
 * Compiles a template in an environment of its own: strict names, no HTML escaping, no helper but the known ones, no
 * partials, no way to a prototype. Every written value passes through the `write` helper, which escapes for the format.
 * @throws TemplateError naming the line.
 */
export function compileTemplate(name: string, source: string): CompiledTemplate {
  if (typeof source !== 'string') throw new TemplateError(name, 'its source must be text');
  const key = `${name}\n${source}`;
  const known = compiled.get(key);
  if (known) return known;
  const template = compile(name, source);
  const oldest = compiled.keys().next();
  if (compiled.size >= KEPT && !oldest.done) compiled.delete(oldest.value);
  compiled.set(key, template);
  return template;
}

/** A template as a tree, before anything is compiled. */
export function parseTemplate(source: string): hbs.AST.Program {
  refuseDeep(source);
  return environment.parse(source);
}

function compile(name: string, source: string): CompiledTemplate {
  const run = explained(name, () => {
    const program = parseTemplate(source);
    rewriteProgram(program);
    return environment.compile(program, { strict: true, noEscape: true, knownHelpersOnly: true, knownHelpers: KNOWN });
  });
  return {
    render: (context, helpers) =>
      explained(name, () => run(context, { helpers: Object.fromEntries(Object.entries(helpers).map(adapt)) })),
  };
}

const MAX_DEPTH = 100;

/** Before it is parsed: the parser's time grows with the square of the depth, and a template may be a stranger's. */
function refuseDeep(source: string): void {
  let [blocks, calls, inside] = [0, 0, false];
  for (const [mark] of source.matchAll(/\{\{~?[#/]?|\}\}|[()]/g)) {
    if (mark.endsWith('#')) blocks++;
    else if (mark.endsWith('/')) blocks--;
    if (mark === '(' && inside) calls++;
    else if (mark === ')' && inside) calls--;
    else if (mark !== '(' && mark !== ')') [inside, calls] = [mark !== '}}', 0];
    if (blocks > MAX_DEPTH) throw new Error(`blocks stand in one another more than ${MAX_DEPTH} deep`);
    if (calls > MAX_DEPTH) throw new Error(`calls stand in one another more than ${MAX_DEPTH} deep`);
  }
}

/** Handlebars passes the named arguments last, with much else that no helper should see. */
function adapt([name, helper]: [string, TemplateHelper]): [string, (...all: unknown[]) => unknown] {
  return [name, (...all) => helper(all.slice(0, -1), (all.at(-1) as { hash: Record<string, unknown> }).hash)];
}

function explained<T>(name: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (error instanceof TemplateError) throw error;
    throw new TemplateError(name, (error as Error).message.trim());
  }
}

// The rewriting below works on a tree that was parsed from text here; trees from elsewhere are never compiled.

function rewriteProgram(program: hbs.AST.Program): void {
  for (const statement of program.body) rewriteStatement(statement);
}

function rewriteStatement(statement: hbs.AST.Statement): void {
  if (statement.type === 'ContentStatement' || statement.type === 'CommentStatement') return;
  if (statement.type === 'BlockStatement') return rewriteBlock(statement as hbs.AST.BlockStatement);
  if (statement.type === 'MustacheStatement') return rewriteMustache(statement as hbs.AST.MustacheStatement);
  refuse(statement, 'partials and decorators cannot be used');
}

function rewriteBlock(block: hbs.AST.BlockStatement): void {
  if (!TEMPLATE_BLOCKS.includes(block.path.original))
    refuse(block, `#${block.path.original} is no block; use ${TEMPLATE_BLOCKS.join(', ')}`);
  rewriteArguments(block);
  if (block.program) rewriteProgram(block.program);
  if (block.inverse) rewriteProgram(block.inverse);
}

/** `{{x}}` becomes `{{write (get "x" x)}}`, and so does what a helper makes; a helper that writes stays a call. */
function rewriteMustache(mustache: hbs.AST.MustacheStatement): void {
  if (!mustache.escaped) refuse(mustache, 'write {{…}}; values are always written in the form of the file');
  const path = mustache.path as hbs.AST.PathExpression;
  if (mustache.params.length > 0 && !TEMPLATE_HELPERS.includes(path.original)) {
    refuse(mustache, `${path.original} is no helper`);
  }
  if ((WRITERS as readonly string[]).includes(path.original)) return rewriteArguments(mustache);
  const { params, hash, loc } = mustache;
  const value = TEMPLATE_HELPERS.includes(path.original)
    ? ({ type: 'SubExpression', path, params, hash, loc } as hbs.AST.SubExpression)
    : path;
  mustache.params = [rewriteExpression(value)];
  mustache.path = helperPath(WRITE, mustache);
}

function rewriteArguments(call: { params: hbs.AST.Expression[]; hash: hbs.AST.Hash }): void {
  call.params = call.params.map(rewriteExpression);
  for (const pair of call.hash?.pairs ?? []) pair.value = rewriteExpression(pair.value);
}

/** `a.b.c` becomes `(get "a.b.c" a "b" "c")`, which throws when there is no such name. */
function rewriteExpression(expression: hbs.AST.Expression): hbs.AST.Expression {
  if (expression.type === 'SubExpression') {
    const call = expression as hbs.AST.SubExpression;
    if (!TEMPLATE_HELPERS.includes(call.path.original)) {
      refuse(call, `${call.path.original} is no helper`);
    }
    rewriteArguments(call);
    return call;
  }
  if (expression.type !== 'PathExpression') return expression;
  const path = expression as hbs.AST.PathExpression;
  if (path.data && !/^@(index|key|first|last)$/.test(path.original)) refuse(path, `${path.original} cannot be used`);
  const forbidden = path.parts.find((part) => part in Object.prototype);
  if (forbidden !== undefined) refuse(path, `${forbidden} is no name of a value`);
  const [first, ...rest] = path.parts;
  const start = { ...path, parts: first === undefined ? [] : [first] };
  return {
    type: 'SubExpression',
    path: helperPath(GET, path),
    params: [
      literal(`${path.original} (line ${path.loc.start.line})`, path),
      start,
      ...rest.map((p) => literal(p, path)),
    ],
    hash: undefined,
    loc: path.loc,
  } as unknown as hbs.AST.SubExpression;
}

function literal(value: string, { loc }: hbs.AST.Node): hbs.AST.StringLiteral {
  return { type: 'StringLiteral', value, original: value, loc };
}

function helperPath(name: string, node: hbs.AST.Node): hbs.AST.PathExpression {
  return { type: 'PathExpression', data: false, depth: 0, parts: [name], original: name, loc: node.loc };
}

function refuse(node: hbs.AST.Node, why: string): never {
  throw new Error(`line ${node.loc.start.line}: ${why}`);
}
