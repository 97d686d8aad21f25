import type { PropertyManifest } from '../manifest/config.ts';
import { called } from './callSite.ts';
import { type Condition, type Expr, type PropertyType, toExpression } from './expression.ts';

type PropertyData = Omit<PropertyManifest, 'name' | 'type' | 'effect' | 'help'> & {
  readonly help?: string;
  readonly effect?: PropertyManifest['effect'];
};

type Numeric = 'int' | 'float' | 'port' | 'memory' | 'duration';
type Advice = { readonly min: number; readonly max?: number } | { readonly max: number; readonly min?: number };
type Textual = 'text' | 'list' | 'dir' | 'file' | 'url' | 'hosts' | 'secret';

/** A property as it is being described. Every method returns a new builder. */
export class PropertyBuilder<K extends PropertyType, V> {
  readonly kind: K;
  readonly data: PropertyData;
  declare readonly valueType?: V;

  constructor(kind: K, data: PropertyData) {
    this.kind = kind;
    this.data = data;
  }

  #with(data: Partial<PropertyData>): PropertyBuilder<K, V> {
    return this.#like<V>(data);
  }
  /** Keeps the place where the description began. */
  #like<W>(data: Partial<PropertyData>): PropertyBuilder<K, W> {
    return called(new PropertyBuilder<K, W>(this.kind, { ...this.data, ...data }), PropertyBuilder, this);
  }

  /** One sentence for the operator, without a full stop. */
  help(help: string): PropertyBuilder<K, V> {
    return this.#with({ help });
  }
  /** What a number counts, such as `MiB` or `ms`; shown beside it. */
  unit(unit: string): PropertyBuilder<K, V> {
    return this.#with({ unit });
  }
  /** The least that can be saved. */
  min(min: K extends Numeric ? number : never): PropertyBuilder<K, V> {
    return this.#with({ min });
  }
  /** The most that can be saved. */
  max(max: K extends Numeric ? number : never): PropertyBuilder<K, V> {
    return this.#with({ max });
  }
  /** What is wise: a value outside can be saved, and the plan warns. */
  advise(range: K extends Numeric ? Advice : never): PropertyBuilder<K, V> {
    return this.#with({ advise: range });
  }
  /** A regular expression for the whole text, and for every item of a list. */
  pattern(pattern: K extends Textual ? RegExp : never): PropertyBuilder<K, V> {
    return this.#with({ pattern: pattern.source });
  }
  /** The key in the rendered file, where it is not the property's name. */
  key(key: string): PropertyBuilder<K, V> {
    return this.#with({ key });
  }
  /** What a change asks of a running component; the config's own effect when not given. */
  effect(effect: 'none' | 'reload' | 'restart' | 'rolling'): PropertyBuilder<K, V> {
    return this.#with({ effect });
  }
  /** It cannot be changed once the component is installed. */
  pinned(): PropertyBuilder<K, V> {
    return this.#with({ effect: 'pinned' });
  }
  /** It may be without a value: it is then left out of the file, and null in templates and `host.get`. */
  optional(): PropertyBuilder<K, V | null> {
    return this.#like<V | null>({ optional: true });
  }
  /** Used only while the condition is true; else it has no value: it is left out of files, and null elsewhere. */
  when(condition: Condition): PropertyBuilder<K, V | null> {
    return this.#like<V | null>({ when: condition.expression });
  }
  /** A default made of facts of the host or of other properties. */
  recommend(expression: Expr<NonNullable<V>>): PropertyBuilder<K, V> {
    return this.#with({ default: expression.expression });
  }
  /** For products that know a peer by its address: the ordinal is added on local hosts. */
  offsetByOrdinal(this: PropertyBuilder<'port', number>): PropertyBuilder<'port', number> {
    return called(new PropertyBuilder('port', { ...this.data, offsetByOrdinal: true }), PropertyBuilder, this);
  }
}

/** A property as it stands in a manifest. */
export function propertyManifest(
  name: string,
  { kind, data }: PropertyBuilder<PropertyType, unknown>,
  effect: PropertyManifest['effect'],
): PropertyManifest {
  return { name, type: kind, ...data, help: data.help ?? '', effect: data.effect ?? effect };
}

type Default<V> = V | Expr<V>;

function builder<K extends PropertyType, V>(kind: K, more: PropertyData = {}) {
  return function property(value?: Default<V>): PropertyBuilder<K, V> {
    const given = value === undefined ? {} : { default: toExpression(value as Expr | string) };
    return called(new PropertyBuilder<K, V>(kind, { ...more, ...given }), property);
  };
}

function secret(): PropertyBuilder<'secret', string> {
  return called(new PropertyBuilder<'secret', string>('secret', {}), secret);
}

function uuid(): PropertyBuilder<'text', string> {
  return called(new PropertyBuilder<'text', string>('text', { generated: 'uuid', effect: 'pinned' }), uuid);
}

function words<const V extends string>(values: readonly V[], value?: NoInfer<V>): PropertyBuilder<'enum', V> {
  const given = value === undefined ? {} : { default: { literal: value } };
  return called(new PropertyBuilder<'enum', V>('enum', { values: [...values], ...given }), words);
}

/**
 * Builders of properties by type. The argument is the default; without one the operator must give a value.
 * Memory counts MiB and duration ms unless `.unit()` says otherwise; both are whole numbers.
 * @example
 * p.port(2181).help('Port that clients connect to')
 */
export const p = {
  int: builder<'int', number>('int'),
  float: builder<'float', number>('float'),
  bool: builder<'bool', boolean>('bool'),
  text: builder<'text', string>('text'),
  port: builder<'port', number>('port'),
  /** An absolute path under the root of the host. */
  dir: builder<'dir', string>('dir'),
  /** An absolute path of a file under the root of the host. The platform does not make it. */
  file: builder<'file', string>('file'),
  /** An absolute URL: http, https, or what `.pattern()` asks for. */
  url: builder<'url', string>('url'),
  /** Names or addresses of machines, each with or without a port. */
  hosts: builder<'hosts', readonly string[]>('hosts'),
  memory: builder<'memory', number>('memory', { unit: 'MiB' }),
  duration: builder<'duration', number>('duration', { unit: 'ms' }),
  /** Texts without commas. Files get them comma-separated, arguments one by one. */
  list: builder<'list', readonly string[]>('list'),
  /** In files of flat keys each entry is a key of its own. */
  map: builder<'map', Readonly<Record<string, string | number | boolean>>>('map'),
  secret,
  /** Made once by the server for the whole service. */
  uuid,
  /** One of some words. */
  enum: words,
} as const;
