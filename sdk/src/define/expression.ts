import type { PROPERTY_TYPES } from '../manifest/config.ts';
import type { Calculation, Comparison, Expression, Json, PropertyRef } from '../manifest/expression.ts';
import { called } from './callSite.ts';

/** Types of properties. */
export type PropertyType = (typeof PROPERTY_TYPES)[number];

/** A value that is known only on a host, written as data. `V` is the type of the value; nothing holds it at run time. */
export class Expr<V = unknown> {
  /** What it is in the manifest. */
  readonly expression: Expression;
  declare readonly valueType?: V;
  constructor(expression: Expression) {
    this.expression = expression;
  }
}

/** A property of a config. It is its own reference: the same object stands in probes, links, arguments and `host.get`. */
export class Property<K extends PropertyType = PropertyType, V = unknown> extends Expr<V> {
  /** Its config and its name. */
  readonly ref: PropertyRef;
  /** Its type. */
  readonly kind: K;
  constructor(ref: PropertyRef, kind: K) {
    super({ property: ref });
    this.ref = ref;
    this.kind = kind;
  }
}

/** A property that `p.port` began. */
export type PortProperty = Property<'port', number>;
/** A property that `p.dir` began. */
export type DirProperty = Property<'dir', string>;
/** A property that `p.dirs` began. */
export type DirsProperty = Property<'dirs', readonly string[]>;

/** What may stand where a value is needed: a constant or an expression. */
export type Operand = Expr | string | number | boolean;
/** True or false on a host, such as `eq(cfg.mode, 'kerberos')`. */
export type Condition = Expr<boolean>;
/** A constant of a type, or an expression that gives one. */
export type Value<V> = Expr<V> | V;
/** A component, or its name where the object is not defined yet. */
export type ComponentName = { readonly name: string };

export function toExpression(operand: Operand | Json): Expression {
  return operand instanceof Expr ? operand.expression : { literal: operand };
}

function made<V>(expression: Expression, combinator: Function): Expr<V> {
  called(expression, combinator);
  return new Expr<V>(expression);
}

/**
 * Facts of the host component that the expression is evaluated for.
 * @example
 * files: [{ in: cfg.dataDir, name: 'myid', content: self.ordinal }]
 */
export const self = {
  /** Its number in the component: handed out once, never reused, from 1. */
  ordinal: new Expr<number>({ self: 'ordinal' }),
  /** The name of its host. */
  host: new Expr<string>({ self: 'host' }),
  /** The address by which others reach it. */
  address: new Expr<string>({ self: 'address' }),
  /** Where it has to listen: `0.0.0.0`, or its own address where several hosts share a machine. */
  bind: new Expr<string>({ self: 'bind' }),
  /** The directory under which all of it lies; `/` on a real host. */
  root: new Expr<string>({ self: 'root' }),
  /** Its id in the platform. */
  hostComponentId: new Expr<string>({ self: 'hostComponentId' }),
  /** Where its configs are written. */
  configDir: new Expr<string>({ self: 'configDir' }),
  /** Where it may write logs of its own. */
  logDir: new Expr<string>({ self: 'logDir' }),
  /** Where the first package of its service is unpacked. */
  packageDir: new Expr<string>({ self: 'packageDir' }),
  /** The JDK that the service asks for. */
  javaHome: new Expr<string>({ self: 'javaHome' }),
} as const;

/**
 * Facts of the host: number of processors; memory and disk in bytes.
 * @example
 * p.memory(div(fact.memory, 4 * 1024 * 1024))
 */
export const fact = {
  /** Processors. */
  cpus: new Expr<number>({ fact: 'cpus' }),
  /** Bytes of memory. */
  memory: new Expr<number>({ fact: 'memory' }),
  /** Bytes of disk. */
  disk: new Expr<number>({ fact: 'disk' }),
} as const;

/**
 * Parts joined to one text. What has no value adds nothing.
 * @example
 * concat('-Xmx', env.heap, 'm')
 */
export function concat(...parts: readonly Operand[]): Expr<string> {
  return made({ concat: parts.map(toExpression) }, concat);
}

/**
 * `address:port` of every host component of a component, by ordinal, comma-separated.
 * @example
 * exports: { connect: hostPorts(server, zooCfg.clientPort) }
 */
export function hostPorts(component: ComponentName, port: PortProperty): Expr<string> {
  return made({ hostPorts: { component: component.name, port: port.ref } }, hostPorts);
}

/**
 * An export of another service, which `requires` must name.
 * @example
 * p.text(importOf('zookeeper', 'connect'))
 */
// oxlint-disable-next-line no-explicit-any -- the type of another stack's export is not known here
export function importOf(service: string, name: string): Expr<any> {
  return made({ import: { service, export: name } }, importOf);
}

/**
 * An expression for each host component of a component, by ordinal; `self` and properties are those of each. `only`
 * takes those that are being decommissioned, or the others; `first` the lowest ordinal of these alone.
 * @example
 * each(datanode, concat(self.host, ':', cfg.dataPort), { separator: '\n', only: 'leaving' })
 * @example
 * p.text(each({ name: 'redis_server' }, self.address, { only: 'staying', first: true })).help('Where the primary is')
 */
export function each(
  component: ComponentName,
  of: Operand,
  {
    separator = ',',
    only,
    first = false,
  }: { readonly separator?: string; readonly only?: 'leaving' | 'staying'; readonly first?: boolean } = {},
): Expr<string> {
  const rest = { ...(only ? { only } : {}), ...(first ? { first } : {}) };
  return made({ each: { component: component.name, of: toExpression(of), separator, ...rest } }, each);
}

/**
 * A property of the config that is being defined, by its name.
 * @example
 * p.text().when(eq(own('mode'), 'kerberos')).help('Who it is for the KDC')
 */
// oxlint-disable-next-line no-explicit-any -- the config's properties are not typed before they are all there
export function own(property: string): Expr<any> {
  return made({ property: { config: OWN, property } }, own);
}
/** Stands in `own` for the name of the config; no config can be called so. */
export const OWN = '.';

/**
 * How many hosts the cluster has for a component; for `place` only.
 * @example
 * place: { hosts: choose(ge(clusterHosts, 5), 5, 3) }
 */
export const clusterHosts = new Expr<number>({ cluster: 'hosts' });

/**
 * `then` where the condition is true, `otherwise` where not.
 * @example
 * choose(eq(cfg.tls, true), cfg.securePort, cfg.port)
 */
export function choose<const V extends Json>(condition: Condition, then: Value<V>, otherwise: Value<V>): Expr<V> {
  return made(
    { choose: [toExpression(condition), toExpression(then as Operand), toExpression(otherwise as Operand)] },
    choose,
  );
}

/**
 * The value, or another where it has none: an optional property, or an export of a service that is not there.
 * @example
 * orElse(cfg.advertisedHost, self.host)
 */
export function orElse<V extends Json>(value: Expr<V>, fallback: Value<NoInfer<V>>): Expr<NonNullable<V>> {
  return made({ orElse: [toExpression(value), toExpression(fallback as Operand)] }, orElse);
}

function comparison(op: Comparison, a: Operand | Json, b: Operand | Json, combinator: Function): Condition {
  return made({ op, of: [toExpression(a), toExpression(b)] }, combinator);
}

/**
 * Equal values; `null` is none.
 * @example
 * eq(cfg.mode, 'kerberos')
 */
export function eq<V extends Json>(a: Expr<V>, b: Value<NoInfer<V>>): Condition {
  return comparison('eq', a, b, eq);
}
/**
 * Values that differ.
 * @example
 * ne(cfg.mode, 'none')
 */
export function ne<V extends Json>(a: Expr<V>, b: Value<NoInfer<V>>): Condition {
  return comparison('ne', a, b, ne);
}
/**
 * Less.
 * @example
 * lt(count(server), 3)
 */
export function lt(a: Value<number>, b: Value<number>): Condition {
  return comparison('lt', a, b, lt);
}
/**
 * Less or equal.
 * @example
 * le(cfg.replicas, count(server))
 */
export function le(a: Value<number>, b: Value<number>): Condition {
  return comparison('le', a, b, le);
}
/**
 * Greater.
 * @example
 * gt(fact.cpus, 8)
 */
export function gt(a: Value<number>, b: Value<number>): Condition {
  return comparison('gt', a, b, gt);
}
/**
 * Greater or equal.
 * @example
 * ge(clusterHosts, 5)
 */
export function ge(a: Value<number>, b: Value<number>): Condition {
  return comparison('ge', a, b, ge);
}

/**
 * Every condition is true. The first that is not ends it, so that it guards those after it.
 * @example
 * and(eq(cfg.tls, true), ne(cfg.mode, 'none'))
 */
export function and(...of: readonly [Condition, ...Condition[]]): Condition {
  return made({ op: 'and', of: of.map(toExpression) }, and);
}
/**
 * One condition at least is true.
 * @example
 * or(eq(cfg.mode, 'kerberos'), eq(cfg.mode, 'ldap'))
 */
export function or(...of: readonly [Condition, ...Condition[]]): Condition {
  return made({ op: 'or', of: of.map(toExpression) }, or);
}
/**
 * The condition is false.
 * @example
 * not(cfg.readOnly)
 */
export function not(condition: Condition): Condition {
  return made({ op: 'not', of: [toExpression(condition)] }, not);
}

/**
 * How many host components a component has.
 * @example
 * min(3, count(broker))
 */
export function count(component: ComponentName): Expr<number> {
  return made({ count: component.name }, count);
}

/** Two numbers or more. */
export type Numbers = readonly [Value<number>, Value<number>, ...Value<number>[]];

function calculation(op: Calculation, of: Numbers, combinator: Function): Expr<number> {
  return made({ op, of: of.map(toExpression) }, combinator);
}

/**
 * The sum.
 * @example
 * add(cfg.port, self.ordinal)
 */
export function add(...of: Numbers): Expr<number> {
  return calculation('add', of, add);
}
/**
 * The first less all others.
 * @example
 * sub(fact.cpus, 1)
 */
export function sub(...of: Numbers): Expr<number> {
  return calculation('sub', of, sub);
}
/**
 * The product.
 * @example
 * mul(fact.cpus, 2)
 */
export function mul(...of: Numbers): Expr<number> {
  return calculation('mul', of, mul);
}
/**
 * The first divided by all others. A default of a whole-number property is rounded down.
 * @example
 * div(fact.memory, 1024 * 1024)
 */
export function div(...of: Numbers): Expr<number> {
  return calculation('div', of, div);
}
/**
 * The smallest.
 * @example
 * min(1024, div(fact.memory, 4 * 1024 * 1024))
 */
export function min(...of: Numbers): Expr<number> {
  return calculation('min', of, min);
}
/**
 * The greatest.
 * @example
 * max(1, sub(fact.cpus, 1))
 */
export function max(...of: Numbers): Expr<number> {
  return calculation('max', of, max);
}
