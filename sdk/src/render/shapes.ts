import type { ConfigManifest } from '../manifest/config.ts';
import { type Kind, KIND_OF_TYPE, kindOf } from '../manifest/kinds.ts';
import type { ServiceManifest, StackManifest } from '../manifest/manifest.ts';

/** What a name in a template stands for, without its value. */
export type Shape =
  | { readonly kind: 'object'; readonly names: Readonly<Record<string, Shape>> }
  /** Names that only the operator or another stack knows, each with a plain value. */
  | { readonly kind: 'map' }
  | { readonly kind: 'list'; readonly of: Shape }
  | { readonly kind: 'text' | 'number' | 'condition' }
  /** A text, a number, or true or false. */
  | { readonly kind: 'plain' }
  /** Nothing can be said about it. */
  | { readonly kind: 'any' };

export const ANY: Shape = { kind: 'any' };
export const PLAIN: Shape = { kind: 'plain' };
export const TEXT: Shape = { kind: 'text' };
export const NUMBER: Shape = { kind: 'number' };
export const CONDITION: Shape = { kind: 'condition' };

/** What `self` has in templates. */
const SELF: Readonly<Record<string, Shape>> = {
  host: TEXT,
  address: TEXT,
  bind: TEXT,
  ordinal: NUMBER,
  hostComponentId: TEXT,
  service: TEXT,
  component: TEXT,
  root: TEXT,
  local: CONDITION,
  javaHome: TEXT,
  configDir: TEXT,
  logDir: TEXT,
  packageDir: TEXT,
};

/** What the template of a config sees; the counterpart of templateContext without a cluster. */
export function templateShape(stack: StackManifest, service: ServiceManifest, config: ConfigManifest): Shape {
  const configs = Object.fromEntries(
    service.configs.map((each) => [
      each.name,
      object(
        Object.fromEntries(each.properties.map((property) => [property.name, shapeOf(KIND_OF_TYPE[property.type])])),
      ),
    ]),
  );
  const values = object(configs);
  const instance = object({ host: TEXT, address: TEXT, ordinal: NUMBER, leaving: CONDITION, values });
  const instances: Shape = { kind: 'list', of: instance };
  const exportsOf = (name: string): Shape => {
    const own = stack.services.find((candidate) => candidate.name === name);
    if (!own) return { kind: 'map' };
    const shapes = Object.entries(own.exports).map(([key, value]) => [key, shapeOf(kindOf(value, own.configs))]);
    return object(Object.fromEntries(shapes));
  };
  return object({
    config: configs[config.name] ?? ANY,
    values,
    self: object(SELF),
    instances: object(Object.fromEntries(service.components.map(({ name }) => [name, instances]))),
    imports: object(
      Object.fromEntries(service.requires.services.map((each) => [each.service, exportsOf(each.service)])),
    ),
    packages: object(Object.fromEntries(service.packages.map(({ name }) => [name, TEXT]))),
  });
}

function object(names: Readonly<Record<string, Shape>>): Shape {
  return { kind: 'object', names };
}

function shapeOf(kind: Kind): Shape {
  return kind === 'list' ? { kind, of: TEXT } : { kind };
}

/** Something without names of its own. */
export function isPlain({ kind }: Shape): boolean {
  return kind === 'text' || kind === 'number' || kind === 'condition' || kind === 'plain';
}
