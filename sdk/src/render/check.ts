import type { ConfigManifest, PropertyManifest } from '../manifest/config.ts';
import type { Json } from '../manifest/expression.ts';
import type { ConfigValues, Notice } from '../manifest/inputs.ts';
import { compilePattern } from '../pattern/pattern.ts';
import { conditionHolds } from './effective.ts';
import { systemDirectory } from '../systemDirectory.ts';
import { didYouMean } from './nearest.ts';
import { isSealed, sealedIn, secretFault } from './secret.ts';

export interface CheckOptions {
  /** The pointer of the values in the request. */
  readonly pointer?: string | undefined;
  /** For overrides of a host: properties without a value are no fault there. */
  readonly partial?: boolean | undefined;
}

const MAX_TEXT = 65_536;

/**
 * What is wrong with values an operator gave: unknown names, wrong types (nothing is coerced), broken bounds, missing
 * ones; and as warnings those that the author advises against. They can be used when no notice is an error.
 */
export function checkValues(
  configs: readonly ConfigManifest[],
  values: ConfigValues,
  { pointer = '/config', partial = false }: CheckOptions = {},
): Notice[] {
  const unknown = Object.entries(values).flatMap(([name, given]) => {
    const config = configs.find((candidate) => candidate.name === name);
    const at = `${pointer}/${escapePointer(name)}`;
    if (config) return checkConfig(config, given, at);
    const hint =
      didYouMean(
        name,
        configs.map((candidate) => candidate.name),
      ) || '.';
    return [{ code: 'CONFIG_UNKNOWN', message: `There is no config ${JSON.stringify(name)}${hint}`, pointer: at }];
  });
  return partial ? unknown : [...unknown, ...missing(configs, values, pointer)];
}

function checkConfig(config: ConfigManifest, given: Readonly<Record<string, Json>>, pointer: string): Notice[] {
  return Object.entries(given).flatMap(([name, value]): Notice[] => {
    const at = `${pointer}/${escapePointer(name)}`;
    const property = config.properties.find((candidate) => candidate.name === name);
    if (property) {
      const problem = checkValue(property, value);
      if (!problem) return unwise(property, value, { of: config.name, pointer: at });
      return [{ code: problem.code, message: `${name} of ${config.name} ${problem.why}.`, pointer: at }];
    }
    const hint =
      didYouMean(
        name,
        config.properties.map((candidate) => candidate.name),
      ) || '.';
    const message = `${config.name} has no property ${JSON.stringify(name)}${hint}`;
    return [{ code: 'PROPERTY_UNKNOWN', message, pointer: at }];
  });
}

/** A value that can be saved and that the author advises against. */
function unwise(
  { name, advise, unit }: PropertyManifest,
  value: Json,
  { of, pointer }: { readonly of: string; readonly pointer: string },
): Notice[] {
  if (typeof value !== 'number' || !advise) return [];
  const { min = -Infinity, max = Infinity } = advise;
  if (value >= min && value <= max) return [];
  const [bound, limit] = value < min ? (['at least', min] as const) : (['at most', max] as const);
  const counted = (number: number): string => (unit === undefined ? `${number}` : `${number} ${unit}`);
  const message = `${name} of ${of} is ${counted(value)}; ${bound} ${counted(limit)} is advised.`;
  return [{ code: 'VALUE_UNWISE', message, pointer, severity: 'warning' }];
}

function missing(configs: readonly ConfigManifest[], values: ConfigValues, pointer: string): Notice[] {
  return configs.flatMap((config) =>
    config.properties
      .filter(({ default: value, optional, generated }) => !(value || optional || generated))
      .filter((property) => conditionHolds(property, { configs, values }) === true)
      .filter((property) => values[config.name]?.[property.name] === undefined)
      .map((property) => ({
        code: 'VALUE_MISSING',
        message: `${property.name} of ${config.name} needs a value: ${property.help}.`,
        pointer: `${pointer}/${escapePointer(config.name)}/${escapePointer(property.name)}`,
      })),
  );
}

type Problem = { readonly code: string; readonly why: string };

/** What is wrong with one value, as the rest of a sentence that starts with the property's name. */
export function checkValue(property: PropertyManifest, value: Json): Problem | undefined {
  if (property.type === 'secret') return secretProblem(property, value);
  const fits = TYPES[property.type];
  if (!fits.test(value)) {
    return { code: 'VALUE_TYPE', why: `must be ${fits.article}, not ${describe(value)}` };
  }
  return bounds(property, value) ?? allowed(property, value) ?? textual(property, value);
}

/** Says nothing of the value. */
function secretProblem(property: PropertyManifest, value: Json): Problem | undefined {
  if (typeof value !== 'string') return { code: 'VALUE_TYPE', why: 'is a secret, and must be a text' };
  const why = isSealed(value) ? undefined : secretFault(property, value);
  return why === undefined ? undefined : { code: 'VALUE_SECRET', why };
}

const whole = (value: Json): boolean => typeof value === 'number' && Number.isSafeInteger(value);
const text = (value: Json): boolean => typeof value === 'string';
const plain = (value: Json): boolean => ['string', 'number', 'boolean'].includes(typeof value);

const TYPES: Record<PropertyManifest['type'], { article: string; test: (value: Json) => boolean }> = {
  int: { article: 'a whole number', test: whole },
  float: { article: 'a number', test: (value) => typeof value === 'number' && Number.isFinite(value) },
  bool: { article: 'true or false', test: (value) => typeof value === 'boolean' },
  text: { article: 'a text', test: text },
  enum: { article: 'a text', test: text },
  port: { article: 'a port number', test: whole },
  dir: { article: 'an absolute path', test: text },
  dirs: { article: 'a list of absolute paths', test: (value) => Array.isArray(value) && value.every(text) },
  file: { article: 'an absolute path', test: text },
  url: { article: 'a URL', test: text },
  hosts: { article: 'a list of hosts', test: (value) => Array.isArray(value) && value.every(text) },
  memory: { article: 'a whole number', test: whole },
  duration: { article: 'a whole number', test: whole },
  list: { article: 'a list of texts', test: (value) => Array.isArray(value) && value.every(text) },
  map: {
    article: 'an object of texts, numbers and true or false',
    test: (value) =>
      typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(plain),
  },
  secret: { article: 'a text', test: text },
};

/** Bounds that a type has by itself; a property may narrow them. */
const BOUNDS: Partial<Record<PropertyManifest['type'], readonly [number, number]>> = {
  port: [1, 65_535],
  memory: [0, Number.MAX_SAFE_INTEGER],
  duration: [0, Number.MAX_SAFE_INTEGER],
};

function bounds(property: PropertyManifest, value: Json): Problem | undefined {
  if (typeof value !== 'number') return undefined;
  const [lowest, highest] = BOUNDS[property.type] ?? [-Infinity, Infinity];
  const min = property.min ?? lowest;
  const max = property.max ?? highest;
  if (value >= min && value <= max) return undefined;
  const unit = property.unit ? ` ${property.unit}` : '';
  const least = Number.isFinite(min) ? `at least ${min}` : '';
  const most = Number.isFinite(max) && max < Number.MAX_SAFE_INTEGER ? `at most ${max}` : '';
  const range = [least, most].filter(Boolean).join(' and ');
  return { code: 'VALUE_RANGE', why: `is ${value}${unit}; it must be ${range}${unit}` };
}

function allowed(property: PropertyManifest, value: Json): Problem | undefined {
  if (property.type !== 'enum' || typeof value !== 'string' || property.values?.includes(value)) return undefined;
  const names = property.values ?? [];
  const hint = didYouMean(value, names).replace(/\?$/, '');
  return { code: 'VALUE_ENUM', why: `is ${describe(value)}; it must be one of ${names.join(', ')}${hint}` };
}

const PATHS = new Set<PropertyManifest['type']>(['dir', 'dirs', 'file']);

/** What a text of a type must be, where it is not. */
const SHAPES: Partial<
  Record<PropertyManifest['type'], (part: string, property: PropertyManifest) => string | undefined>
> = {
  url: (part, { pattern }) =>
    URL.canParse(part) && !/\s/.test(part) && (pattern !== undefined || /^https?:/i.test(part))
      ? undefined
      : 'must be an absolute URL such as http://host:80/path',
  hosts: (part) =>
    HOST.test(part) && Number(/[^:]:(\d+)$/.exec(part)?.[1] ?? 1) <= 65_535
      ? undefined
      : 'must be names or addresses of hosts, each with or without a port',
};

/** A name, an IPv4 address, or an IPv6 address in brackets; then perhaps a port. */
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

function textual(property: PropertyManifest, value: Json): Problem | undefined {
  const parts = textsOf(value);
  for (const part of parts) {
    if (part.length > MAX_TEXT) return { code: 'VALUE_RANGE', why: `is longer than ${MAX_TEXT} characters` };
    if (sealedIn(part).length > 0) {
      return { code: 'VALUE_PATTERN', why: 'contains a secret as the server seals it; only secrets look like that' };
    }
    if (/[\0\p{Surrogate}]/u.test(part)) {
      return { code: 'VALUE_PATTERN', why: 'contains a character that no file can hold' };
    }
    if (PATHS.has(property.type) && (!part.startsWith('/') || part.split('/').includes('..'))) {
      return { code: 'VALUE_PATTERN', why: `must be an absolute path without "..", not ${describe(part)}` };
    }
    const taken = property.type === 'dir' || property.type === 'dirs' ? systemDirectory(part) : undefined;
    if (taken !== undefined) return { code: 'VALUE_PATTERN', why: `must not be ${describe(part)}: ${taken}` };
    const malformed = SHAPES[property.type]?.(part, property);
    if (malformed) return { code: 'VALUE_PATTERN', why: `${malformed}, not ${describe(part)}` };
    if ((property.type === 'list' || property.type === 'dirs') && /[,\n\r]/.test(part)) {
      return { code: 'VALUE_PATTERN', why: `must not have a comma or a line break in an item (${describe(part)})` };
    }
  }
  return property.pattern ? patternMismatch(property.pattern, parts) : undefined;
}

/** By an engine that takes linear time, and only so much of it: strangers write the patterns. */
function patternMismatch(source: string, parts: readonly string[]): Problem | undefined {
  const pattern = compilePattern(source);
  if (parts.reduce((total, { length }) => total + length, 0) > pattern.longest) {
    const most = `${pattern.longest} characters, the most that are compared with ${source}`;
    return { code: 'VALUE_RANGE', why: `is longer than ${most}` };
  }
  const odd = parts.find((part) => !pattern.matches(part));
  return odd === undefined ? undefined : { code: 'VALUE_PATTERN', why: `is ${describe(odd)}; it must match ${source}` };
}

function textsOf(value: Json): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.filter((item) => typeof item === 'string');
  if (typeof value === 'object' && value !== null) return Object.entries(value).flatMap(([k, v]) => [k, ...textsOf(v)]);
  return [];
}

function describe(value: Json): string {
  const shown = JSON.stringify(value);
  const short = shown.length > 60 ? `${shown.slice(0, 57)}…` : shown;
  return typeof value === 'string' ? `the text ${short}` : short;
}

function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
