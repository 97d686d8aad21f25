import type { Format } from '../manifest/config.ts';
import type { Json } from '../manifest/expression.ts';
import { ValueError } from './errors.ts';
import { toText } from './evaluate.ts';

export type Entry = readonly [key: string, value: Json];

/** How one format writes values, so that nothing in a value can end it or start another key. */
export interface FormatWriter {
  /** A value where the format has one. */
  value(value: Json): string;
  /** One key with its value. */
  entry(key: string, value: Json): string;
  /** All entries, without what a whole file begins and ends with. */
  entries(entries: readonly Entry[]): string;
  /** A whole file. */
  document(entries: readonly Entry[]): string;
  /** Whether a map is a value of its own; otherwise its entries stand beside the other keys. */
  readonly nested: boolean;
}

function lines(entry: (key: string, value: Json) => string, value: (value: Json) => string): FormatWriter {
  const entries = (all: readonly Entry[]): string => all.map(([key, item]) => entry(key, item)).join('\n');
  return { value, entry, entries, document: (all) => (all.length ? `${entries(all)}\n` : ''), nested: false };
}

const properties = lines(
  (key, value) => `${propertiesEscape(key).replaceAll(/[ =:#!]/g, '\\$&')}=${propertiesValue(value)}`,
  propertiesValue,
);

function propertiesValue(value: Json): string {
  return propertiesEscape(toText(value)).replace(/^ /, '\\ ');
}

function propertiesEscape(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replaceAll(/[^\x20-\x7e]/g, unicodeEscape);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

const env = lines((key, value) => {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) throw new ValueError(`${JSON.stringify(key)} is no name of a variable.`);
  return `${key}=${envValue(value)}`;
}, envValue);

function envValue(value: Json): string {
  const text = refuse(toText(value), /\0/, 'an environment file');
  return /^[A-Za-z0-9_./:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

const ini = lines((key, value) => {
  if (!/^[^\s=:;#[\]"\\][^\n\r=:;#[\]"\\\0]*$/.test(key) || key !== key.trim()) {
    throw new ValueError(`${JSON.stringify(key)} cannot be a key of an ini file.`);
  }
  return `${key} = ${iniValue(value)}`;
}, iniValue);

const INI_ESCAPES: Record<string, string> = { '\\': '\\\\', '"': '\\"', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function iniValue(value: Json): string {
  const text = refuse(toText(value), CONTROL, 'an ini file');
  if (text !== '' && text === text.trim() && !/[;#"\\\n\r\t]/.test(text)) return text;
  return `"${text.replaceAll(/[\\"\n\r\t]/g, (character) => INI_ESCAPES[character] ?? character)}"`;
}

const XML_ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

function xmlValue(value: Json): string {
  return refuse(toText(value), CONTROL, 'an XML file')
    .replaceAll(/[&<>"']/g, (character) => XML_ESCAPES[character] ?? character)
    .replaceAll(/[\n\r\t\x85\u2028]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function xmlEntries(entries: readonly Entry[]): string {
  return entries.map(([key, value]) => xml.entry(key, value)).join('\n');
}

/** The form of Hadoop and its kin: name and value of every property. */
const xml: FormatWriter = {
  value: xmlValue,
  entry: (key, value) =>
    `  <property>\n    <name>${xmlValue(key)}</name>\n    <value>${xmlValue(value)}</value>\n  </property>`,
  entries: xmlEntries,
  document: (entries) =>
    `<?xml version="1.0" encoding="UTF-8"?>\n<configuration>\n${xmlEntries(entries)}\n</configuration>\n`,
  nested: false,
};

/** JSON is YAML; what YAML 1.1 takes for a line break or cannot print is escaped. */
function yamlValue(value: Json): string {
  return jsonText(value).replaceAll(/[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g, unicodeEscape);
}

const YAML_WORDS = /^(y|n|yes|no|on|off|true|false|null|nan|inf)$/i;

function yamlEntry(key: string, value: Json): string {
  const bare = /^[A-Za-z][A-Za-z0-9_.-]*$/.test(key) && !YAML_WORDS.test(key);
  return `${bare ? key : yamlValue(key)}: ${yamlValue(value)}`;
}

const yaml: FormatWriter = {
  ...lines(yamlEntry, yamlValue),
  document: (entries) => (entries.length ? `${entries.map(([k, v]) => yamlEntry(k, v)).join('\n')}\n` : '{}\n'),
  nested: true,
};

function jsonEntries(entries: readonly Entry[]): string {
  return entries.map(([key, value]) => json.entry(key, value)).join(',\n');
}

const json: FormatWriter = {
  value: jsonText,
  entry: (key, value) => `  ${JSON.stringify(key)}: ${jsonText(value)}`,
  entries: jsonEntries,
  document: (entries) => (entries.length ? `{\n${jsonEntries(entries)}\n}\n` : '{}\n'),
  nested: true,
};

/** One line, with a space after `:` and `,` as YAML wants it. */
function jsonText(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(jsonText).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const parts = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${jsonText(item)}`);
  return `{${parts.join(', ')}}`;
}

/** A file whose form the platform does not know: a value is one line, as it stands. */
const text: FormatWriter = lines(
  () => {
    throw new ValueError('A file of format text has no keys; write its template out.');
  },
  (value) => refuse(toText(value), /[\0\n\r]/, 'one line'),
);

/** What neither XML nor an ini file can hold: control characters but tab and the line breaks, and no characters. */
const CONTROL = /[^\P{Cc}\t\n\r\x85]|[\ufffe\uffff]/u;

function refuse(value: string, characters: RegExp, where: string): string {
  const found = characters.exec(value)?.[0];
  if (found === undefined) return value;
  throw new ValueError(`${JSON.stringify(value)} contains ${JSON.stringify(found)}, which ${where} cannot hold.`);
}

export const FORMAT_WRITERS: Record<Format, FormatWriter> = { properties, xml, yaml, json, ini, env, text };

/** How a text stands in files of any format, without what is around it: what has to be looked for to find it there. */
export function writtenForms(value: string): string[] {
  const forms = Object.values(FORMAT_WRITERS).flatMap((writer) => {
    try {
      return [writer.value(value)];
    } catch (error) {
      // A format that cannot hold it holds it nowhere.
      if (error instanceof ValueError) return [];
      throw error;
    }
  });
  return [...new Set(forms)].map((form) => (/^(["']).*\1$/s.test(form) && form.length > 1 ? form.slice(1, -1) : form));
}
