import type { ConfigManifest, PropertyManifest } from './config.ts';
import { CALCULATIONS, COMPARISONS, CONNECTIVES, type Expression, type Json } from './expression.ts';
import { partsOf } from './walk.ts';

/** What an expression gives, as far as that can be told without a cluster. */
export type Kind = 'number' | 'condition' | 'text' | 'list' | 'map' | 'any';

export const KIND_OF_TYPE: Readonly<Record<PropertyManifest['type'], Kind>> = {
  int: 'number',
  float: 'number',
  bool: 'condition',
  text: 'text',
  enum: 'text',
  port: 'number',
  dir: 'text',
  dirs: 'list',
  file: 'text',
  url: 'text',
  hosts: 'list',
  memory: 'number',
  duration: 'number',
  list: 'list',
  map: 'map',
  secret: 'text',
};

const includes = (names: readonly string[], name: string): boolean => names.includes(name);

/** The kind of an expression of a service with these configs. */
export function kindOf(expression: Expression, configs: readonly ConfigManifest[]): Kind {
  if ('literal' in expression) return kindOfJson(expression.literal);
  if ('property' in expression) {
    const { config, property } = expression.property;
    const found = configs.find(({ name }) => name === config)?.properties.find(({ name }) => name === property);
    return found ? KIND_OF_TYPE[found.type] : 'any';
  }
  if ('self' in expression) return expression.self === 'ordinal' ? 'number' : 'text';
  if ('fact' in expression || 'count' in expression || 'cluster' in expression) return 'number';
  if ('import' in expression) return 'any';
  if ('choose' in expression) return both(kindOf(expression.choose[1], configs), kindOf(expression.choose[2], configs));
  if ('orElse' in expression) return both(kindOf(expression.orElse[0], configs), kindOf(expression.orElse[1], configs));
  if ('op' in expression) return includes(CALCULATIONS, expression.op) ? 'number' : 'condition';
  return 'text';
}

function both(a: Kind, b: Kind): Kind {
  return a === b ? a : 'any';
}

function kindOfJson(value: Json): Kind {
  if (Array.isArray(value)) return 'list';
  if (value === null) return 'any';
  if (typeof value === 'object') return 'map';
  if (typeof value === 'boolean') return 'condition';
  return typeof value === 'number' ? 'number' : 'text';
}

const WORDS: Readonly<Record<Kind, string>> = {
  number: 'a number',
  condition: 'a condition',
  text: 'a text',
  list: 'a list',
  map: 'a map',
  any: 'anything',
};

/** Where an expression can never be evaluated, whatever the cluster; each as a reason for its author. */
export function kindFaults(expression: Expression, configs: readonly ConfigManifest[]): string[] {
  const wanted = (parts: readonly Expression[], kind: Kind, by: string): string[] =>
    parts.flatMap((part) => {
      const given = kindOf(part, configs);
      return fits(given, kind) ? [] : [`${by} needs ${WORDS[kind]}, and gets ${WORDS[given]}`];
    });
  return partsOf(expression).flatMap((part) => {
    if ('choose' in part) return wanted([part.choose[0]], 'condition', 'choose');
    if (!('op' in part)) return [];
    const { op, of } = part;
    if (includes(CALCULATIONS, op)) return wanted(of, 'number', op);
    if (includes(CONNECTIVES, op)) return wanted(of, 'condition', op);
    if (op !== 'eq' && op !== 'ne') return includes(COMPARISONS, op) ? wanted(of, 'number', op) : [];
    const [a, b] = of.map((operand) => kindOf(operand, configs)) as [Kind, Kind];
    return fits(a, b) ? [] : [`${op} compares ${WORDS[a]} with ${WORDS[b]}, which are never equal`];
  });
}

/** What a property's default or condition gives, where that is none for it. */
export function propertyKindFaults(property: PropertyManifest, configs: readonly ConfigManifest[]): string[] {
  const { default: value, when, type } = property;
  const faults: string[] = [];
  if (when && !fits(kindOf(when, configs), 'condition')) {
    faults.push(`its \`when\` is ${WORDS[kindOf(when, configs)]}, no condition`);
  }
  if (value && !('literal' in value) && !fits(kindOf(value, configs), KIND_OF_TYPE[type])) {
    faults.push(`its default gives ${WORDS[kindOf(value, configs)]}, and it is of type ${type}`);
  }
  return faults;
}

function fits(given: Kind, wanted: Kind): boolean {
  return given === wanted || given === 'any' || wanted === 'any';
}
