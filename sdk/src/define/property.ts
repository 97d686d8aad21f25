import type { PropertyManifest } from '../manifest/config.ts';
import { called } from './callSite.ts';
import { type Condition, type Expr, type PropertyType, toExpression } from './expression.ts';

/** What a builder has gathered. */
export type PropertyData = Omit<PropertyManifest, 'name' | 'type' | 'effect' | 'help'> & {
  readonly help?: string;
  readonly effect?: PropertyManifest['effect'];
};

/** Types that are numbers. */
export type Numeric = 'int' | 'float' | 'port' | 'memory' | 'duration';
/** Bounds of what is wise: one of them at least. */
export type Advice = { readonly min: number; readonly max?: number } | { readonly max: number; readonly min?: number };
/** Types that are texts, or lists of them. */
export type Textual = 'text' | 'list' | 'dir' | 'dirs' | 'file' | 'url' | 'hosts' | 'secret';

/** A property as it is being described. Every method returns a new builder. */
export class PropertyBuilder<K extends PropertyType, V> {
  /** Its type. */
  readonly kind: K;
  /** What it is in the manifest, so far. */
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

  /**
   * One sentence for the operator, without a full stop.
   * @example
   * p.port(2181).help('Port that clients connect to')
   */
  help(help: string): PropertyBuilder<K, V> {
    return this.#with({ help });
  }
  /**
   * What a number counts, such as `MiB` or `ms`; shown beside it.
   * @example
   * p.int(24).unit('h').help('How often old snapshots are removed')
   */
  unit(unit: string): PropertyBuilder<K, V> {
    return this.#with({ unit });
  }
  /**
   * The least that can be saved.
   * @example
   * p.memory(512).min(64).help('Heap of a server')
   */
  min(min: K extends Numeric ? number : never): PropertyBuilder<K, V> {
    return this.#with({ min });
  }
  /**
   * The most that can be saved.
   * @example
   * p.int(3).min(1).max(7).help('Copies of each block')
   */
  max(max: K extends Numeric ? number : never): PropertyBuilder<K, V> {
    return this.#with({ max });
  }
  /**
   * What is wise: a value outside can be saved, and the plan warns.
   * @example
   * p.memory(512).min(64).advise({ min: 256 }).help('Heap of a server')
   */
  advise(range: K extends Numeric ? Advice : never): PropertyBuilder<K, V> {
    return this.#with({ advise: range });
  }
  /**
   * A regular expression for the whole text, and for every item of a list. It is matched in linear time, so it has no
   * lookaround, no reference to a group and no flag but `u`.
   * @example
   * p.text('orders').pattern(/[a-z][a-z0-9-]{0,40}/).help('Name of the first topic')
   */
  pattern(pattern: K extends Textual ? RegExp : never): PropertyBuilder<K, V> {
    // As a modifier a flag is not lost, and refused with the place where it stands.
    const flags = pattern.flags.replace(/[^ims]/g, '');
    return this.#with({ pattern: flags === '' ? pattern.source : `(?${flags}:${pattern.source})` });
  }
  /**
   * The key in the rendered file, where it is not the property's name.
   * @example
   * p.port(8080).key('admin.serverPort').help('Port of the admin server')
   */
  key(key: string): PropertyBuilder<K, V> {
    return this.#with({ key });
  }
  /**
   * What a change asks of a running component; the config's own effect when not given.
   * @example
   * p.enum(['INFO', 'DEBUG'], 'INFO').effect('reload').help('What is logged')
   */
  effect(effect: 'none' | 'reload' | 'restart' | 'rolling'): PropertyBuilder<K, V> {
    return this.#with({ effect });
  }
  /**
   * It cannot be changed once the component is installed.
   * @example
   * p.dir('/var/lib/cache').pinned().help('Where entries are kept')
   */
  pinned(): PropertyBuilder<K, V> {
    return this.#with({ effect: 'pinned' });
  }
  /**
   * It may be without a value: it is then left out of the file, and null in templates and `host.get`.
   * @example
   * p.url().optional().help('Where reports are sent to')
   */
  optional(): PropertyBuilder<K, V | null> {
    return this.#like<V | null>({ optional: true });
  }
  /**
   * Used only while the condition is true; else it has no value: it is left out of files, and null elsewhere.
   * @example
   * p.text().when(eq(own('mode'), 'kerberos')).help('Who it is for the KDC')
   */
  when(condition: Condition): PropertyBuilder<K, V | null> {
    return this.#like<V | null>({ when: condition.expression });
  }
  /**
   * A default made of facts of the host or of other properties.
   * @example
   * p.memory().recommend(min(4096, div(fact.memory, 4 * 1024 * 1024))).help('Heap of a server')
   */
  recommend(expression: Expr<NonNullable<V>>): PropertyBuilder<K, V> {
    return this.#with({ default: expression.expression });
  }
  /**
   * For products that know a peer by its address: on local hosts the ordinal is added, or so many times it, where other
   * ports of the product are near.
   * @example
   * p.port(9866).offsetByOrdinal(100).help('Port that blocks are read from')
   */
  offsetByOrdinal(this: PropertyBuilder<'port', number>, step = 1): PropertyBuilder<'port', number> {
    const offsetByOrdinal = step === 1 ? true : step;
    return called(new PropertyBuilder('port', { ...this.data, offsetByOrdinal }), PropertyBuilder, this);
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

/** A constant, or an expression that gives one. */
export type Default<V> = V | Expr<V>;

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
  /**
   * A whole number.
   * @example
   * p.int(10).min(1).help('Connections at once')
   */
  int: builder<'int', number>('int'),
  /**
   * A number.
   * @example
   * p.float(0.75).min(0).max(1).help('How full it may be')
   */
  float: builder<'float', number>('float'),
  /**
   * True or false.
   * @example
   * p.bool(false).help('Whether clients have to use TLS')
   */
  bool: builder<'bool', boolean>('bool'),
  /**
   * One line of text.
   * @example
   * p.text('main').help('Name of the cluster')
   */
  text: builder<'text', string>('text'),
  /**
   * A port from 1 to 65535. Ports of components that may meet on a host must differ.
   * @example
   * p.port(6379).help('Port that clients connect to')
   */
  port: builder<'port', number>('port'),
  /**
   * An absolute path under the root of the host. The platform makes it, gives it to the service's user and keeps it at removal.
   * @example
   * p.dir('/var/lib/cache').pinned().help('Where entries are kept')
   */
  dir: builder<'dir', string>('dir'),
  /**
   * Directories as `dir` has one, such as one for each disk. What is added later is made before the component starts again.
   * @example
   * p.dirs(['/var/lib/cache']).help('Where entries are kept, one directory a disk')
   */
  dirs: builder<'dirs', readonly string[]>('dirs'),
  /**
   * An absolute path of a file under the root of the host. The platform does not make it.
   * @example
   * p.file('/etc/krb5.keytab').help('Keytab of the service')
   */
  file: builder<'file', string>('file'),
  /**
   * An absolute URL: http, https, or what `.pattern()` asks for.
   * @example
   * p.url('https://kms.example.org/').help('Where keys come from')
   */
  url: builder<'url', string>('url'),
  /**
   * Names or addresses of machines, each with or without a port.
   * @example
   * p.hosts(['kdc1.example.org', 'kdc2.example.org:88']).help('Key distribution centres')
   */
  hosts: builder<'hosts', readonly string[]>('hosts'),
  /**
   * An amount of memory, in MiB.
   * @example
   * p.memory(256).min(16).help('Memory for entries')
   */
  memory: builder<'memory', number>('memory', { unit: 'MiB' }),
  /**
   * A length of time, in ms.
   * @example
   * p.duration(30_000).help('How long a session lives')
   */
  duration: builder<'duration', number>('duration', { unit: 'ms' }),
  /**
   * Texts without commas. Files get them comma-separated, arguments one by one.
   * @example
   * p.list(['-XX:+UseSerialGC', '-Xss512k']).help('Options of the JVM')
   */
  list: builder<'list', readonly string[]>('list'),
  /**
   * Settings by name. In files of flat keys each entry is a key of its own.
   * @example
   * p.map({}).help('Further settings, written as they are')
   */
  map: builder<'map', Readonly<Record<string, string | number | boolean>>>('map'),
  /**
   * A text that is given once and never shown: sealed by the server, opened on the hosts that run the service.
   * @example
   * p.secret().help('What clients have to know')
   */
  secret,
  /**
   * Made once by the server for the whole service, and pinned.
   * @example
   * p.uuid().help('Which cluster this is')
   */
  uuid,
  /**
   * One of some words.
   * @example
   * p.enum(['none', 'kerberos'], 'none').help('How clients prove who they are')
   */
  enum: words,
} as const;
