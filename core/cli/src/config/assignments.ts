import type { Values } from '../api/types.ts';
import { UsageError } from '../errors.ts';

/** As much of a property as is needed to read its value from a command line. */
export interface Definition {
  readonly config: string;
  readonly name: string;
  readonly type: string;
}

/**
 * Reads "zoo.cfg/tickTime=3000" or, where only one config has the property, "tickTime=3000". Texts become what the
 * property's type asks for; whether the value is in range is for the server to say.
 *
 * @throws UsageError
 */
export function parseAssignments(given: readonly string[], definitions: readonly Definition[]): Values {
  const values: Values = {};
  for (const text of given) {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError(`${text} sets nothing. Use property=value, such as tickTime=3000.`);
    const property = findProperty(text.slice(0, at), definitions);
    values[property.config] = { ...values[property.config], [property.name]: readValue(text.slice(at + 1), property) };
  }
  return values;
}

/** @throws UsageError when there is none, or several and it is not said which. */
export function findProperty<D extends Definition>(key: string, definitions: readonly D[]): D {
  const slash = key.lastIndexOf('/');
  const [config, name] = slash === -1 ? [undefined, key] : [key.slice(0, slash), key.slice(slash + 1)];
  const found = definitions.filter((each) => each.name === name && (config === undefined || each.config === config));
  const [property, other] = found;
  if (!property) throw new UsageError(`There is no property ${key}.${hintFor(name, config, definitions)}`);
  if (other) {
    const names = found.map((each) => `${each.config}/${each.name}`).join(' or ');
    throw new UsageError(`Several configs have a property ${key}: say ${names}.`);
  }
  return property;
}

function hintFor(name: string, config: string | undefined, definitions: readonly Definition[]): string {
  const fold = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const wanted = fold(name);
  const near =
    definitions.find((each) => fold(each.name) === wanted) ??
    definitions.find(
      (each) => wanted.length > 2 && (fold(each.name).includes(wanted) || wanted.includes(fold(each.name))),
    );
  if (near) return ` Did you mean ${near.config}/${near.name}?`;
  const configs = [...new Set(definitions.map((each) => each.config))];
  if (config !== undefined && !configs.includes(config)) return ` The configs are ${configs.join(', ')}.`;
  return ' "stackyard config get SERVICE" lists all.';
}

const numbers = new Set(['int', 'float', 'port', 'memory', 'duration']);

/** A value from its text, by the type of its property. @throws UsageError */
export function readValue(text: string, { config, name, type }: Definition): unknown {
  const refuse = (wanted: string): never => {
    throw new UsageError(`${config}/${name} takes ${wanted}, not "${text}".`);
  };
  if (numbers.has(type)) return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : refuse('a number');
  if (type === 'bool') return { true: true, false: false }[text] ?? refuse('true or false');
  if (type === 'list')
    return text.trimStart().startsWith('[')
      ? json(text, refuse)
      : text === ''
        ? []
        : text.split(',').map((item) => item.trim());
  if (type === 'map') return json(text, refuse);
  return text;
}

function json(text: string, refuse: (wanted: string) => never): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return refuse('JSON');
  }
}
