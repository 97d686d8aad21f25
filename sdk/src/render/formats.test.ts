import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { ConfigManifest, Format } from '../manifest/config.ts';
import type { Json } from '../manifest/expression.ts';
import { ValueError } from './errors.ts';
import { toText } from './evaluate.ts';
import { type Entry, FORMAT_WRITERS } from './formats.ts';
import { helpersFor } from './helpers.ts';
import { compileTemplate } from './template.ts';

type Parser = (text: string) => Record<string, Json>;

const PARSERS: Record<Exclude<Format, 'text'>, Parser> = { properties, xml, yaml, json, ini, env };

/** As java.util.Properties reads it. */
function properties(text: string): Record<string, Json> {
  const logical: string[] = [];
  let open = '';
  for (const line of text.split(/\r\n|\r|\n/)) {
    const joined = open + (open ? line.trimStart() : line);
    const slashes = /\\*$/.exec(joined)?.[0].length ?? 0;
    open = slashes % 2 === 1 ? joined.slice(0, -1) : '';
    if (!open) logical.push(joined);
  }
  const entries = logical
    .map((line) => line.replace(/^[ \t\f]+/, ''))
    .filter((line) => line && !/^[#!]/.test(line))
    .map((line): [string, string] => {
      const [, key = '', value = ''] = /^((?:\\.|[^\\=: \t\f])*)(?:[ \t\f]*[=: \t\f][ \t\f]*)?(.*)$/s.exec(line) ?? [];
      return [unescape(key), unescape(value)];
    });
  return collect(entries);
}

function unescape(text: string): string {
  const named: Record<string, string> = { n: '\n', r: '\r', t: '\t', f: '\f' };
  return text.replaceAll(/\\(?:u([0-9a-f]{4})|(.))/gs, (_, code: string | undefined, other: string) =>
    code === undefined ? (named[other] ?? other) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function xml(text: string): Record<string, Json> {
  const body = /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<configuration>\n(.*)\n?<\/configuration>\n$/s.exec(
    text,
  )?.[1];
  if (body === undefined) throw new Error('no document');
  const property = /\s*<property>\s*<name>([^<]*)<\/name>\s*<value>([^<]*)<\/value>\s*<\/property>\s*/gy;
  const entries: [string, string][] = [];
  let end = 0;
  for (let match = property.exec(body); match; match = property.exec(body)) {
    entries.push([entities(match[1] ?? ''), entities(match[2] ?? '')]);
    end = property.lastIndex;
  }
  if (body.slice(end).trim()) throw new Error(`left over: ${body.slice(end)}`);
  return collect(entries);
}

function entities(text: string): string {
  const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replaceAll('\r', '\n').replaceAll(/&(#\d+|\w+);|&/g, (whole, name: string | undefined) => {
    if (name?.startsWith('#')) return String.fromCodePoint(Number(name.slice(1)));
    const character = named[name ?? ''];
    if (character === undefined) throw new Error(`${whole} is no entity`);
    return character;
  });
}

/** What is in it is read by a parser of YAML: the one of Node 24.21 takes a key for another, "\n" for "\\", once it knows objects with that. */
function json(text: string): Record<string, Json> {
  JSON.parse(text);
  return parse(text, { schema: 'json' }) as Record<string, Json>;
}

/** The part of YAML that is written: `key: flow value`, strings in double quotes, no line break inside. */
function yaml(text: string): Record<string, Json> {
  if (text === '{}\n') return {};
  const lines = text.split(/\r\n|[\n\r\x85\u2028\u2029]/);
  if (lines.pop() !== '') throw new Error('no end of line');
  return collect(
    lines.map((line): [string, Json] => {
      const [, key = '', value = ''] = /^("(?:\\.|[^"\\])*"|[A-Za-z][\w.-]*): (.*)$/s.exec(line) ?? [];
      const plain = key.startsWith('"') ? (JSON.parse(key) as string) : key;
      if (key === plain && /^(y|n|yes|no|on|off|true|false|null)$/i.test(key)) throw new Error(`${key} is no text`);
      return [plain, json(value)];
    }),
  );
}

function ini(text: string): Record<string, Json> {
  const lines = text.split(/\r\n|\r|\n/).filter((line) => line && !/^[;#[]/.test(line));
  return collect(
    lines.map((line): [string, string] => {
      const at = line.indexOf('=');
      const [key, value] = [line.slice(0, at).trim(), line.slice(at + 1).trim()];
      if (!value.startsWith('"')) return [key, value.replace(/\s*[;#].*$/, '')];
      if (!/^"(?:\\.|[^"\\])*"$/s.test(value)) throw new Error(`${value} is not closed`);
      return [key, unescape(value.slice(1, -1))];
    }),
  );
}

/** As a shell reads assignments. */
function env(text: string): Record<string, Json> {
  const assignment = /([A-Za-z_]\w*)=((?:'[^']*'|\\'|[^\s'"\\$`;&|<>()*?[\]#~!])*)\n/gy;
  const entries: [string, string][] = [];
  let end = 0;
  for (let match = assignment.exec(text); match; match = assignment.exec(text)) {
    const value = (match[2] ?? '').replaceAll(/'([^']*)'|\\'/gs, (_, quoted: string | undefined) => quoted ?? "'");
    entries.push([match[1] ?? '', value]);
    end = assignment.lastIndex;
  }
  if (end !== text.length) throw new Error(`left over: ${text.slice(end)}`);
  return collect(entries);
}

function collect(entries: [string, Json][]): Record<string, Json> {
  const collected = Object.fromEntries(entries);
  if (Object.keys(collected).length !== entries.length) throw new Error('a key is there twice');
  return collected;
}

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: fc.constantFrom(...'\\\n\r\t =:#!;\'"<>&$`{}[]a%\x85\u2028'.split('')), maxLength: 12 }),
  fc.constantFrom(
    '\nevil=1',
    '</value><value>',
    ']]>',
    '"\nevil: 1',
    "'; rm -rf /; '",
    '\\',
    ' a ',
    '',
    '#x',
    'a\\',
    'true',
  ),
);
const scalars = fc.oneof(texts, fc.integer(), fc.boolean());
const nested = fc.oneof(
  scalars,
  fc.array(texts, { maxLength: 3 }),
  fc.dictionary(texts, scalars, { maxKeys: 3, noNullPrototype: true }),
);
const keys = {
  plain: fc.oneof(fc.stringMatching(/^[A-Za-z][A-Za-z0-9._-]{0,8}$/), fc.constantFrom('y', 'no', 'null', 'true')),
  odd: fc.string({ unit: fc.constantFrom(...'ab.=: #!\\\n\té<&'.split('')), minLength: 1, maxLength: 6 }),
  variable: fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/),
};

const anyKey = fc.oneof(keys.plain, keys.odd);

const CASES = {
  properties: [anyKey, scalars],
  xml: [anyKey, scalars],
  yaml: [anyKey, nested],
  json: [anyKey, nested],
  ini: [keys.plain, scalars],
  env: [keys.variable, scalars],
} as const satisfies Record<keyof typeof PARSERS, readonly [fc.Arbitrary<string>, fc.Arbitrary<unknown>]>;

const WRAPPED: Partial<Record<Format, string>> = {
  xml: '<?xml version="1.0" encoding="UTF-8"?>\n<configuration>\n{{properties}}\n</configuration>\n',
  json: '{\n{{properties}}\n}\n',
};

/** The same entries by `{{properties}}` in a template. */
function byTemplate(format: Format, entries: readonly Entry[]): string {
  const writer = FORMAT_WRITERS[format];
  const config = { name: 'file', format, file: true, properties: [], effect: 'none' } satisfies ConfigManifest;
  const helpers = helpersFor({ config, writer, entries: () => [...entries] });
  return compileTemplate('file.hbs', WRAPPED[format] ?? '{{properties}}\n').render({}, helpers);
}

describe.each(Object.keys(PARSERS) as (keyof typeof PARSERS)[])('%s', (format) => {
  const [key, value] = CASES[format];
  const dictionaries = fc.dictionary(key, value as fc.Arbitrary<Json>, { maxKeys: 5, noNullPrototype: true });
  const flat = !FORMAT_WRITERS[format].nested;

  test('parse(render(values)) == values, or the value is refused', () => {
    fc.assert(
      fc.property(dictionaries, (values) => {
        const entries = Object.entries(values);
        const expected = flat ? Object.fromEntries(entries.map(([name, item]) => [name, toText(item)])) : values;
        try {
          expect(PARSERS[format](FORMAT_WRITERS[format].document(entries))).toEqual(expected);
          if (entries.length > 0) expect(PARSERS[format](byTemplate(format, entries))).toEqual(expected);
        } catch (error) {
          const refused = error instanceof ValueError || (error as Error).message.includes('cannot hold');
          if (!refused) throw error;
          expect(entries.flat().map(toText).join('')).toMatch(/[^\P{Cc}\t\n\r\x85]|[\ufffe\uffff]/u);
        }
      }),
      { numRuns: 1500 },
    );
  });
});

test('what a format cannot hold is refused with the characters in question', () => {
  expect(() => FORMAT_WRITERS.env.entry('a-b', 1)).toThrow(ValueError);
  expect(() => FORMAT_WRITERS.env.value('a\0')).toThrow('contains "\\u0000", which an environment file cannot hold');
  expect(() => FORMAT_WRITERS.xml.value('\b')).toThrow('which an XML file cannot hold');
  expect(() => FORMAT_WRITERS.text.value('a\nb')).toThrow('which one line cannot hold');
  expect(() => FORMAT_WRITERS.text.entry('a', 1)).toThrow('has no keys');
});
