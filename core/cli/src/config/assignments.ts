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
    if (property.type === 'secret') throw secretInArgument(property);
    values[property.config] = { ...values[property.config], [property.name]: readValue(text.slice(at + 1), property) };
  }
  return values;
}

/** The one property that a secret from elsewhere is for. @throws UsageError */
export function secretProperty(given: readonly string[], definitions: readonly Definition[]): Definition {
  const [key, ...others] = given;
  if (key === undefined || others.length > 0)
    throw new UsageError('With --secret-file name the one property that the secret is for, such as conf/password.');
  const property = findProperty(key.split('=', 1)[0] ?? key, definitions);
  if (property.type !== 'secret')
    throw new UsageError(
      `${property.config}/${property.name} is no secret: set it by ${property.config}/${property.name}=VALUE.`,
    );
  if (key.includes('=')) throw secretInArgument(property);
  return property;
}

/** Never repeats the secret. */
function secretInArgument({ config, name }: Definition): UsageError {
  return new UsageError(
    `${config}/${name} is a secret, and arguments are seen by everybody on this machine and kept by shells. Put it in a file and use "stackyard config set SERVICE ${config}/${name} --secret-file FILE", or - for standard input. Change it if it was a real one.`,
  );
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
    ) ??
    definitions.find((each) => wanted.length > 3 && oneSlip(wanted, fold(each.name)));
  if (near) return ` Did you mean ${near.config}/${near.name}?`;
  const configs = [...new Set(definitions.map((each) => each.config))];
  if (config !== undefined && !configs.includes(config)) return ` The configs are ${configs.join(', ')}.`;
  return ' "stackyard config get SERVICE" lists all.';
}

/** One letter too many, too few, wrong or in its neighbour's place. */
function oneSlip(typed: string, name: string): boolean {
  let same = 0;
  while (same < typed.length && typed[same] === name[same]) same++;
  const [a, b] = [typed.slice(same), name.slice(same)];
  return (
    a.slice(1) === b ||
    a === b.slice(1) ||
    a.slice(1) === b.slice(1) ||
    (a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2))
  );
}

const lists = new Set(['list', 'hosts', 'dirs']);
const numbers = new Set(['int', 'float', 'port', 'memory', 'duration']);
/** Numbers that have a unit, and how many of it the units of people are. */
const units: Readonly<Record<string, { readonly of: string; readonly sizes: Readonly<Record<string, number>> }>> = {
  memory: { of: 'MiB', sizes: { m: 1, mb: 1, mib: 1, g: 1024, gb: 1024, gib: 1024 } },
  duration: { of: 'milliseconds', sizes: { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000 } },
};

/** A value from its text, by the type of its property. @throws UsageError */
export function readValue(text: string, { config, name, type }: Definition): unknown {
  const refuse = (wanted: string): never => {
    throw new UsageError(`${config}/${name} takes ${wanted}, not "${text}".`);
  };
  if (numbers.has(type)) return number(text, type) ?? refuse(`a number${units[type] ? ` of ${units[type].of}` : ''}`);
  if (type === 'bool') return { true: true, false: false }[text] ?? refuse('true or false');
  if (lists.has(type))
    return text.trimStart().startsWith('[')
      ? json(text, refuse)
      : text === ''
        ? []
        : text.split(',').map((item) => item.trim());
  if (type === 'map') return json(text, refuse);
  return text;
}

/** "3000", and by the type "3s" or "1 GiB". */
function number(text: string, type: string): number | undefined {
  const [, digits = '', unit = ''] = /^\s*(-?[0-9.]+(?:e[0-9]+)?)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  const size = unit === '' ? 1 : units[type]?.sizes[unit.toLowerCase()];
  const value = digits === '' || size === undefined ? Number.NaN : Number(digits) * size;
  return Number.isFinite(value) ? value : undefined;
}

function json(text: string, refuse: (wanted: string) => never): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return refuse('JSON');
  }
}
