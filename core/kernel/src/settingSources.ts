import { readFileSync } from 'node:fs';
import { isMap, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';
import type { SettingProblem } from './errors.ts';
import { nearest } from './nearest.ts';
import type { Setting } from './settings.ts';

/** A value and the words that say where it came from. */
export interface Given {
  readonly value: unknown;
  readonly origin: string;
}

/** What one source says: values by key, and what is wrong with the source itself. */
export interface SourceValues {
  readonly values: ReadonlyMap<string, Given>;
  readonly problems: readonly SettingProblem[];
}

/** Reads nested values; undefined and null count as not given. `lineOf` tells the origin of a path more precisely. */
export function fromObject(
  root: object,
  settings: readonly Setting[],
  source: string,
  lineOf: (path: readonly string[]) => string = () => '',
): SourceValues {
  const values = new Map<string, Given>();
  const problems: SettingProblem[] = [];
  const known = new Set(settings.map(({ key }) => key));
  const groups = new Set(settings.flatMap(({ path }) => path.slice(1).map((_, at) => path.slice(0, at + 1).join('.'))));

  function walk(object: object, above: readonly string[]): void {
    for (const [name, value] of Object.entries(object)) {
      const path = [...above, name];
      const key = path.join('.');
      const origin = source + lineOf(path);
      if (value === undefined || value === null) {
        if (!known.has(key) && !groups.has(key)) problems.push(unknownName(key, known, origin));
      } else if (known.has(key)) {
        values.set(key, { value, origin });
      } else if (!groups.has(key)) {
        problems.push(unknownName(key, [...known, ...groups], origin));
      } else if (typeof value === 'object' && !Array.isArray(value)) {
        walk(value, path);
      } else {
        const inside = [...known].filter((other) => other.startsWith(`${key}.`)).join(', ');
        problems.push({ key, origin, sentence: `${key} (${origin}) is a group of settings: ${inside}.` });
      }
    }
  }
  walk(root, []);
  return { values, problems };
}

/** Reads the variables with a prefix; an empty one counts as not set. */
export function fromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  settings: readonly Setting[],
  { prefix, otherEnv }: { prefix: string; otherEnv: readonly string[] },
): SourceValues {
  const values = new Map<string, Given>();
  const problems: SettingProblem[] = [];
  const byName = new Map(settings.map((setting) => [setting.env, setting]));
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(prefix) || otherEnv.includes(name) || text === undefined || text === '') continue;
    const setting = byName.get(name);
    const origin = `environment variable ${name}`;
    if (setting) values.set(setting.key, { value: fromText(text, setting.type), origin });
    else problems.push(unknownName(name, byName.keys(), 'environment'));
  }
  return { values, problems };
}

/** Reads a YAML file; JSON is YAML too. Errors name file and line and never quote its text, which may hold secrets. */
export function fromFile(file: string, settings: readonly Setting[]): SourceValues {
  const refuse = (sentence: string): SourceValues => ({
    values: new Map(),
    problems: [{ key: '', origin: `file ${file}`, sentence }],
  });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return refuse(`The settings file ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}.`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [broken] = document.errors;
  if (broken) {
    const { line, col } = lines.linePos(broken.pos[0]);
    return refuse(`The settings file ${file} is no valid YAML at line ${line}, column ${col}: ${broken.code}.`);
  }
  if (document.contents === null) return { values: new Map(), problems: [] };
  if (!isMap(document.contents)) return refuse(`The settings file ${file} must hold names and values.`);
  const lineOf = (path: readonly string[]): string => lineOfKey(document, lines, path);
  return fromObject(document.toJS() as object, settings, `file ${file}`, lineOf);
}

function lineOfKey(document: Document, lines: LineCounter, path: readonly string[]): string {
  const group = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
  const pair = isMap(group)
    ? group.items.find(({ key }) => isScalar(key) && String(key.value) === path.at(-1))
    : undefined;
  const start = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
  return start === undefined ? '' : `, line ${lines.linePos(start).line}`;
}

const truth: Readonly<Record<string, boolean>> = { true: true, yes: true, on: true, 1: true, false: false, no: false, off: false, 0: false }; // prettier-ignore

/** Turns the text of a variable into what the type expects; text that does not fit stays text, for the type to refuse. */
export function fromText(text: string, type: z.ZodType): unknown {
  const { type: kind, innerType, in: input } = type._zod.def as { type: string; innerType?: z.ZodType; in?: z.ZodType };
  const inner = innerType ?? input;
  if (inner) return fromText(text, inner);
  if (kind === 'number') return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
  if (kind === 'boolean') return truth[text.trim().toLowerCase()] ?? text;
  if (kind === 'array' && !text.trimStart().startsWith('[')) return text.split(',').map((item) => item.trim());
  if (['array', 'object', 'record', 'tuple'].includes(kind)) return jsonOr(text);
  return text;
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function unknownName(name: string, known: Iterable<string>, origin: string): SettingProblem {
  const close = nearest(name, known);
  const hint = close === undefined ? 'Remove it.' : `Did you mean ${close}?`;
  return { key: name, origin, sentence: `No setting is called ${name} (${origin}). ${hint}` };
}
