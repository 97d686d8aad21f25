import type { ConfigManifest } from '../manifest/config.ts';
import type { Json } from '../manifest/expression.ts';
import { ValueError } from './errors.ts';
import { toText } from './evaluate.ts';
import { type Entry, FORMAT_WRITERS, type FormatWriter } from './formats.ts';
import { didYouMean } from './nearest.ts';
import type { TemplateHelper } from './template.ts';

interface HelperSources {
  readonly config: ConfigManifest;
  readonly writer: FormatWriter;
  readonly entries: (except: readonly string[]) => Entry[];
}

/** The helpers of one config: those that write do it in the form of its file. */
export function helpersFor({ config, writer, entries }: HelperSources): Record<string, TemplateHelper> {
  return {
    '*get': ([place, start, ...names]) => lookUp(start, names as string[], place as string),
    '*write': ([value]) => writer.value(asJson(value)),
    property: ([key, value]) => writer.entry(requireText(key, 'property'), asJson(value)),
    properties: ([value], { except }) => {
      if (value !== undefined) return FORMAT_WRITERS.properties.value(asJson(value));
      return writer.entries(entries(exceptions(config, except)));
    },
    xml: ([value]) => FORMAT_WRITERS.xml.value(asJson(value)),
    yaml: ([value]) => FORMAT_WRITERS.yaml.value(asJson(value)),
    env: ([value]) => FORMAT_WRITERS.env.value(asJson(value)),
    ini: ([value]) => FORMAT_WRITERS.ini.value(asJson(value)),
    json: ([value]) => FORMAT_WRITERS.json.value(asJson(value)),
    concat: (parts) => parts.map((part) => toText(asJson(part))).join(''),
    join: ([list, separator]) => requireList(list).map(toText).join(requireText(separator, 'join')),
    // Of an empty text no part is left: an export of what is not there has no members.
    split: ([text, separator]) =>
      requireText(text, 'split')
        .split(requireText(separator, 'split'))
        .filter((part) => part !== ''),
    lines: ([list]) =>
      requireList(list)
        .map((item) => writer.value(item))
        .join('\n'),
    eq: ([a, b]) => a === b,
  };
}

/** Follows own properties only. */
function lookUp(start: unknown, names: readonly string[], place: string): unknown {
  if (start === undefined) throw new Error(`${place} is not there`);
  return names.reduce((value, name) => {
    if (typeof value === 'object' && value !== null && Object.hasOwn(value, name)) return Reflect.get(value, name);
    const hint = typeof value === 'object' && value !== null ? didYouMean(name, Object.keys(value)) : '';
    throw new Error(`${place} is not there${hint}`);
  }, start);
}

/** `{{properties except="a b"}}`: names of properties that the template writes itself. */
function exceptions(config: ConfigManifest, except: unknown): string[] {
  if (except === undefined) return [];
  const names = requireText(except, 'properties').split(' ');
  const unknown = names.find((name) => !config.properties.some((property) => property.name === name));
  if (unknown !== undefined) throw new Error(`${config.name} has no property ${unknown} to leave out`);
  return names;
}

function asJson(value: unknown): Json {
  if (value === undefined) throw new ValueError('A helper was called without its value.');
  return value as Json;
}

function requireText(value: unknown, helper: string): string {
  if (typeof value === 'string') return value;
  throw new ValueError(`${helper} needs a text, not ${JSON.stringify(value)}.`);
}

function requireList(value: unknown): readonly Json[] {
  if (Array.isArray(value)) return value as Json[];
  throw new ValueError(`A list is needed, not ${JSON.stringify(value)}.`);
}
