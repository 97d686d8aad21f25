import Handlebars from 'handlebars';
import type { ConfigManifest } from '../manifest/config.ts';
import type { ServiceManifest, StackManifest } from '../manifest/manifest.ts';
import { FORMAT_WRITERS } from './formats.ts';
import { didYouMean } from './nearest.ts';
import { ANY, CONDITION, isPlain, NUMBER, PLAIN, type Shape, TEXT, templateShape } from './shapes.ts';
import { compileTemplate, parseTemplate, TEMPLATE_BLOCKS, TEMPLATE_HELPERS } from './template.ts';

/** Something wrong in a template. Lines and columns count from 1. */
export interface TemplateFault {
  readonly line: number;
  readonly column: number;
  readonly reason: string;
  readonly remedy: string;
}

export interface TemplateUse {
  readonly stack: StackManifest;
  readonly service: ServiceManifest;
  /** The config that the template writes. */
  readonly config: ConfigManifest;
}

/**
 * Everything that is wrong in a template, found without rendering it: names that are not there, helpers that do not
 * exist or get what they cannot take, keys that the file cannot hold. What only a value decides is no fault.
 */
export function analyseTemplate(name: string, source: string, use: TemplateUse): TemplateFault[] {
  let program: hbs.AST.Program;
  try {
    program = parseTemplate(source);
  } catch (error) {
    return [parseFault(error as Error)];
  }
  const analysis = new Analysis(use.config);
  analysis.program(program, { contexts: [templateShape(use.stack, use.service, use.config)], names: [] });
  // What goes through a group of names is looked at for each of them.
  const faults = [...new Map(analysis.faults.map((fault) => [JSON.stringify(fault), fault])).values()];
  if (faults.length > 0) return faults;
  try {
    compileTemplate(name, source);
    return [];
  } catch (error) {
    return [parseFault(error as Error)];
  }
}

/** Handlebars shows where by three lines of which the last says what it expected. */
function parseFault({ message }: Error): TemplateFault {
  const line = Number(/line (\d+)/.exec(message)?.[1] ?? 1);
  const pointed = /\n(-*)\^/.exec(message)?.[1];
  const said = message.split('\n').at(-1) ?? message;
  const reason = message.startsWith('Parse error') ? `it cannot be read: ${clip(said)}` : clip(message);
  return { line, column: pointed === undefined ? 1 : pointed.length + 1, reason, remedy: 'correct the template' };
}

function clip(text: string): string {
  const one = text.replaceAll(/\s+/g, ' ').trim().replace(/\.$/, '');
  return one.length > 120 ? `${one.slice(0, 119)}…` : one;
}

interface Missing {
  readonly shape: Shape;
  readonly name: string;
  readonly before: string;
  readonly also: readonly string[];
}

interface Scope {
  /** What `this`, `..`, `../..` … are. */
  readonly contexts: readonly Shape[];
  /** Names of block parameters, the innermost first. */
  readonly names: readonly (readonly [string, Shape | undefined])[];
  /** What @key is; absent outside of #each. */
  readonly key?: Shape;
}

type Call = Pick<hbs.AST.MustacheStatement, 'params' | 'hash' | 'loc'>;

interface HelperRule {
  readonly arity: readonly [least: number, most: number];
  readonly gives: Shape;
  readonly named?: readonly string[];
  readonly check?: (analysis: Analysis, call: Call, shapes: readonly Shape[]) => void;
}

const writer = { arity: [1, 1], gives: TEXT } as const satisfies HelperRule;

const RULES: Readonly<Record<string, HelperRule>> = {
  xml: writer,
  yaml: writer,
  env: writer,
  ini: writer,
  json: writer,
  property: { arity: [2, 2], gives: TEXT, check: (analysis, call, shapes) => analysis.property(call, shapes) },
  properties: { arity: [0, 1], gives: TEXT, named: ['except'], check: (analysis, call) => analysis.properties(call) },
  lines: { arity: [1, 1], gives: TEXT, check: (analysis, call, [list]) => analysis.list('lines', call, list) },
  concat: { arity: [0, Infinity], gives: TEXT },
  join: {
    arity: [2, 2],
    gives: TEXT,
    check: (analysis, call, [list, separator]) => {
      analysis.list('join', call, list);
      analysis.text('join', call.params[1], separator);
    },
  },
  split: {
    arity: [2, 2],
    gives: { kind: 'list', of: TEXT },
    check: (analysis, call, [text, separator]) => {
      analysis.text('split', call.params[0], text);
      analysis.text('split', call.params[1], separator);
    },
  },
  eq: { arity: [2, 2], gives: CONDITION },
};

const BLOCK_NAMED: Readonly<Record<string, readonly string[]>> = { if: ['includeZero'], unless: ['includeZero'] };
/** How many values a block gives a name to. */
const BLOCK_PARAMETERS: Readonly<Record<string, number>> = { if: 0, unless: 0, with: 1, each: 2 };

class Analysis {
  readonly faults: TemplateFault[] = [];
  readonly #config: ConfigManifest;

  constructor(config: ConfigManifest) {
    this.#config = config;
  }

  program(program: hbs.AST.Program | undefined, scope: Scope): void {
    for (const statement of program?.body ?? []) this.#statement(statement, scope);
  }

  #statement(statement: hbs.AST.Statement, scope: Scope): void {
    if (statement.type === 'ContentStatement' || statement.type === 'CommentStatement') return;
    if (statement.type === 'BlockStatement') this.#block(statement as hbs.AST.BlockStatement, scope);
    else if (statement.type === 'MustacheStatement') this.#mustache(statement as hbs.AST.MustacheStatement, scope);
    else this.#fault(statement, 'partials and decorators cannot be used', 'write out what they would');
  }

  #block(block: hbs.AST.BlockStatement, scope: Scope): void {
    const name = block.path.original;
    if (!TEMPLATE_BLOCKS.includes(name)) {
      const remedy = `use ${TEMPLATE_BLOCKS.join(', ')}`;
      this.#fault(block, `#${name} is no block${didYouMean(name, TEMPLATE_BLOCKS)}`, remedy);
      return;
    }
    const shapes = this.#arguments(`#${name}`, block, scope, { arity: [1, 1], named: BLOCK_NAMED[name] ?? [] });
    const [given = ANY] = shapes;
    const named = block.program?.blockParams ?? [];
    const most = BLOCK_PARAMETERS[name] ?? 0;
    if (named.length > most) {
      this.#fault(block, `#${name} gives ${most} values a name, not ${named.length}`, 'leave out the others');
    }
    for (const inside of this.#inside(name, block, { scope, given, named })) this.program(block.program, inside);
    this.program(block.inverse, scope);
  }

  #inside(
    name: string,
    block: hbs.AST.BlockStatement,
    { scope, given, named }: { readonly scope: Scope; readonly given: Shape; readonly named: readonly string[] },
  ): readonly Scope[] {
    if (name === 'if' || name === 'unless') return [scope];
    if (name === 'each' && isPlain(given)) {
      const remedy = 'name a list, or a map';
      this.#fault(block.params[0] ?? block, `#each goes through a list, and this is ${WORDS[given.kind]}`, remedy);
    }
    const key = name === 'each' ? keyOf(given) : scope.key;
    return (name === 'each' ? valuesOf(given) : [given]).map((context) => ({
      contexts: pushed(scope.contexts, context),
      names: [...named.map((each, index) => [each, [context, key][index]] as const), ...scope.names],
      ...(key ? { key } : {}),
    }));
  }

  #mustache(mustache: hbs.AST.MustacheStatement, scope: Scope): void {
    if (!mustache.escaped) {
      this.#fault(mustache, 'values are always written in the form of the file', 'write {{…}}');
    }
    const path = mustache.path as hbs.AST.PathExpression;
    const name = path.original;
    if (TEMPLATE_HELPERS.includes(name)) this.#call(name, mustache, scope);
    else if (mustache.params.length > 0) this.#noHelper(path, name);
    else this.#expression(path, scope, TEMPLATE_HELPERS);
  }

  #noHelper(at: hbs.AST.Node, name: string): void {
    const remedy = `use ${TEMPLATE_HELPERS.join(', ')}`;
    this.#fault(at, `${name} is no helper${didYouMean(name, TEMPLATE_HELPERS)}`, remedy);
  }

  #call(name: string, call: Call, scope: Scope): Shape {
    const rule = RULES[name];
    if (!rule) return ANY;
    const before = this.faults.length;
    const shapes = this.#arguments(name, call, scope, rule);
    if (this.faults.length === before) rule.check?.(this, call, shapes);
    return rule.gives;
  }

  #arguments(
    name: string,
    { params, hash, loc }: Call,
    scope: Scope,
    { arity: [least, most], named = [] }: Pick<HelperRule, 'arity' | 'named'>,
  ): Shape[] {
    const shapes = params.map((parameter) => this.#expression(parameter, scope));
    if (params.length < least || params.length > most) {
      const count = least === most ? `${least}` : `${least} or ${most}`;
      this.#fault({ type: '', loc }, `${name} takes ${count} values, not ${params.length}`, 'correct the call');
    }
    for (const { key, value, loc: at } of hash?.pairs ?? []) {
      this.#expression(value, scope);
      if (named.includes(key)) continue;
      this.#fault({ type: '', loc: at }, `${name} knows no ${key}=${didYouMean(key, named)}`, 'correct the name');
    }
    return shapes;
  }

  /** `also` are words that stand for something else than a value there. */
  #expression(expression: hbs.AST.Expression, scope: Scope, also: readonly string[] = []): Shape {
    if (expression.type === 'SubExpression') {
      const call = expression as hbs.AST.SubExpression;
      const name = call.path.original;
      if (TEMPLATE_HELPERS.includes(name)) return this.#call(name, call, scope);
      this.#noHelper(call, name);
      return ANY;
    }
    if (expression.type === 'PathExpression') return this.#path(expression as hbs.AST.PathExpression, scope, also);
    if (expression.type === 'UndefinedLiteral') this.#fault(expression, 'undefined is no value', 'leave it out');
    return LITERALS[expression.type] ?? ANY;
  }

  #path(path: hbs.AST.PathExpression, scope: Scope, also: readonly string[]): Shape {
    const forbidden = path.parts.find((part) => part in Object.prototype);
    if (forbidden !== undefined) return this.#fault(path, `${forbidden} is no name of a value`, 'use another name');
    if (path.data) {
      const [name = ''] = path.parts;
      if (!/^@(index|key|first|last)$/.test(path.original)) {
        return this.#fault(path, `${path.original} cannot be used`, 'use @index, @key, @first or @last');
      }
      if (!scope.key) return this.#fault(path, `${path.original} is there only inside #each`, 'move it there');
      if (name === 'index') return NUMBER;
      return name === 'key' ? scope.key : CONDITION;
    }
    const [first, ...rest] = path.parts;
    const named = scope.names.find(([name]) => name === first);
    if (named && path.depth === 0 && !isScoped(path)) {
      if (!named[1]) return this.#fault(path, `${first} names nothing`, 'leave it out');
      return this.#follow(path, named[1], rest);
    }
    const start = scope.contexts[path.depth];
    if (start) return this.#follow(path, start, path.parts, also);
    if (scope.contexts.includes(ANY)) return ANY;
    return this.#fault(path, `${path.original} leads out of the template`, 'leave out a ../');
  }

  #follow(path: hbs.AST.PathExpression, start: Shape, names: readonly string[], also: readonly string[] = []): Shape {
    let shape = start;
    for (const [index, name] of names.entries()) {
      const next = partOf(shape, name);
      if (next) shape = next;
      else return this.#missing(path, { shape, name, before: names.slice(0, index).join('.'), also });
    }
    return shape;
  }

  #missing(path: hbs.AST.PathExpression, { shape, name, before, also }: Missing): Shape {
    if (shape.kind !== 'object') {
      return this.#fault(
        path,
        `${path.original} is not there: ${before || 'it'} is ${WORDS[shape.kind]}`,
        'correct the name',
      );
    }
    const known = Object.keys(shape.names);
    const isProperty = before === '' && this.#config.properties.some((property) => property.name === name);
    const hint = isProperty ? '' : didYouMean(name, before === '' ? [...known, ...also] : known);
    const remedy = isProperty ? `write config.${name}` : hint === '' ? oneOf(known) : 'correct the name';
    return this.#fault(path, `${path.original} is not there${hint}`, remedy);
  }

  list(helper: string, call: Call, shape: Shape = ANY): void {
    if (shape.kind === 'list' || shape.kind === 'any') return;
    this.#fault(call.params[0]!, `${helper} needs a list, and this is ${WORDS[shape.kind]}`, 'name a list');
  }

  text(helper: string, at: hbs.AST.Expression | undefined, shape: Shape = ANY): void {
    if (shape.kind === 'text' || shape.kind === 'plain' || shape.kind === 'any' || !at) return;
    this.#fault(at, `${helper} needs a text, and this is ${WORDS[shape.kind]}`, 'put it in quotes');
  }

  property(call: Call, [key]: readonly Shape[]): void {
    this.text('property', call.params[0], key);
    const [given] = call.params;
    if (given?.type === 'StringLiteral') this.#key(given, (given as hbs.AST.StringLiteral).value);
    else if (this.#config.format === 'text') this.#key({ type: '', loc: call.loc }, 'key');
  }

  properties({ params, hash, loc }: Call): void {
    if (params.length > 0) return;
    const except = hash?.pairs.find(({ key }) => key === 'except')?.value;
    const names = except?.type === 'StringLiteral' ? (except as hbs.AST.StringLiteral).value.split(' ') : [];
    const known = this.#config.properties.map(({ name }) => name);
    for (const name of names.filter((each) => !known.includes(each))) {
      const reason = `${this.#config.name} has no property ${name} to leave out${didYouMean(name, known)}`;
      this.#fault(except!, reason, 'correct the name');
    }
    // What is left out where `except` is made at run time, nobody can tell here.
    if (except && except.type !== 'StringLiteral') return;
    const nested = FORMAT_WRITERS[this.#config.format].nested;
    const keys = this.#config.properties
      .filter(({ name, type }) => !names.includes(name) && (nested || type !== 'map'))
      .map(({ name, key = name }) => key);
    for (const [index, key] of keys.entries()) {
      if (keys.indexOf(key) === index) this.#key({ type: '', loc }, key);
      else this.#fault({ type: '', loc }, `the file would have the key ${key} twice`, 'change a `.key(…)`');
    }
  }

  #key(at: hbs.AST.Node, key: string): void {
    try {
      FORMAT_WRITERS[this.#config.format].entry(key, '');
    } catch (error) {
      this.#fault(at, clip((error as Error).message), 'correct the key');
    }
  }

  #fault(at: hbs.AST.Node, reason: string, remedy: string): Shape {
    const { line, column } = at.loc.start;
    this.faults.push({ line, column: column + 1, reason, remedy });
    return ANY;
  }
}

const WORDS: Readonly<Record<Shape['kind'], string>> = {
  object: 'a group of names',
  map: 'a map',
  list: 'a list',
  text: 'a text',
  number: 'a number',
  condition: 'true or false',
  plain: 'a text, a number, or true or false',
  any: 'anything',
};

const LITERALS: Readonly<Record<string, Shape>> = {
  StringLiteral: TEXT,
  NumberLiteral: NUMBER,
  BooleanLiteral: CONDITION,
};

function partOf(shape: Shape, name: string): Shape | undefined {
  if (shape.kind === 'any') return ANY;
  if (shape.kind === 'map') return PLAIN;
  if (shape.kind === 'object') return Object.hasOwn(shape.names, name) ? shape.names[name] : undefined;
  if (shape.kind !== 'list') return undefined;
  if (name === 'length') return NUMBER;
  return /^\d+$/.test(name) ? shape.of : undefined;
}

/** What #each goes through: one shape, or each that a group of names has. */
function valuesOf(shape: Shape): readonly Shape[] {
  if (shape.kind === 'list') return [shape.of];
  if (shape.kind === 'map') return [PLAIN];
  if (shape.kind !== 'object') return [ANY];
  const shapes = Object.values(shape.names);
  return shapes.filter((each, index) => shapes.findIndex((other) => isAlike(each, other)) === index);
}

function isAlike(a: Shape, b: Shape): boolean {
  return a === b || (isPlain(a) && a.kind === b.kind);
}

function keyOf(shape: Shape): Shape {
  if (shape.kind === 'any') return ANY;
  return shape.kind === 'list' ? NUMBER : TEXT;
}

/** Handlebars makes no new level where a block's value is that of the level before, which plain values may be. */
function pushed(contexts: readonly Shape[], next: Shape): readonly Shape[] {
  const [current = ANY] = contexts;
  const isSame = next === current || next.kind === 'any' || (isPlain(next) && isPlain(current));
  return [next, ...(isSame ? contexts.map(() => ANY) : contexts)];
}

function isScoped(path: hbs.AST.PathExpression): boolean {
  return (
    Handlebars as unknown as { AST: { helpers: { scopedId(path: hbs.AST.PathExpression): boolean } } }
  ).AST.helpers.scopedId(path);
}

function oneOf(known: readonly string[]): string {
  if (known.length === 0) return 'leave it out: nothing is there';
  const shown = known.slice(0, 12).join(', ');
  return `use ${shown}${known.length > 12 ? ', …' : ''}`;
}
