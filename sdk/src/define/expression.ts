import type { Calculation, Comparison, Expression, Json, PropertyRef } from '../manifest/expression.ts';
import type { PROPERTY_TYPES } from '../manifest/config.ts';

export type PropertyType = (typeof PROPERTY_TYPES)[number];

/** A value that is known only on a host, written as data. */
export class Expr {
  readonly expression: Expression;
  constructor(expression: Expression) {
    this.expression = expression;
  }
}

/** A property of a config. It is its own reference: the same object stands in probes, links, arguments and `host.get`. */
export class Property<K extends PropertyType = PropertyType, V = unknown> extends Expr {
  readonly ref: PropertyRef;
  readonly kind: K;
  declare readonly valueType?: V;
  constructor(ref: PropertyRef, kind: K) {
    super({ property: ref });
    this.ref = ref;
    this.kind = kind;
  }
}

export type PortProperty = Property<'port', number>;
export type DirProperty = Property<'dir', string>;

/** What may stand where a value is needed: a constant or an expression. */
export type Operand = Expr | string | number | boolean;

export function toExpression(operand: Operand | Json): Expression {
  return operand instanceof Expr ? operand.expression : { literal: operand };
}

/** Facts of the host component that the expression is evaluated for. */
export const self = {
  ordinal: new Expr({ self: 'ordinal' }),
  host: new Expr({ self: 'host' }),
  address: new Expr({ self: 'address' }),
  bind: new Expr({ self: 'bind' }),
  root: new Expr({ self: 'root' }),
  hostComponentId: new Expr({ self: 'hostComponentId' }),
  configDir: new Expr({ self: 'configDir' }),
  logDir: new Expr({ self: 'logDir' }),
  packageDir: new Expr({ self: 'packageDir' }),
  javaHome: new Expr({ self: 'javaHome' }),
} as const;

/** Facts of the host: number of processors; memory and disk in bytes. */
export const fact = {
  cpus: new Expr({ fact: 'cpus' }),
  memory: new Expr({ fact: 'memory' }),
  disk: new Expr({ fact: 'disk' }),
} as const;

/** Parts joined to one text. */
export function concat(...parts: readonly Operand[]): Expr {
  return new Expr({ concat: parts.map(toExpression) });
}

/** `address:port` of every host component of a component, by ordinal, comma-separated. */
export function hostPorts(component: { readonly name: string }, port: PortProperty): Expr {
  return new Expr({ hostPorts: { component: component.name, port: port.ref } });
}

/** An export of another service, which `requires` must name. */
export function importOf(service: string, name: string): Expr {
  return new Expr({ import: { service, export: name } });
}

/** An expression for each host component of a component, by ordinal; `self` and properties are those of each. */
export function each(
  component: { readonly name: string },
  of: Operand,
  { separator = ',', only }: { readonly separator?: string; readonly only?: 'leaving' | 'staying' } = {},
): Expr {
  return new Expr({ each: { component: component.name, of: toExpression(of), separator, ...(only ? { only } : {}) } });
}

/** A property of the config that is being defined, by its name: `p.text().when(eq(own('mode'), 'kerberos'))`. */
export function own(property: string): Expr {
  return new Expr({ property: { config: OWN, property } });
}
/** Stands in `own` for the name of the config; no config can be called so. */
export const OWN = '.';

/** How many hosts the cluster has for a component; for `place` only. */
export const clusterHosts = new Expr({ cluster: 'hosts' });

/** `then` where the condition is true, `otherwise` where not. */
export function choose(condition: Expr, then: Operand, otherwise: Operand): Expr {
  return new Expr({ choose: [toExpression(condition), toExpression(then), toExpression(otherwise)] });
}

/** The value, or another where it has none: an optional property, or an export of a service that is not there. */
export function orElse(value: Expr, fallback: Operand): Expr {
  return new Expr({ orElse: [toExpression(value), toExpression(fallback)] });
}

function comparison(op: Comparison, a: Operand, b: Operand): Expr {
  return new Expr({ op, of: [toExpression(a), toExpression(b)] });
}

/** Equal values. */
export function eq(a: Operand, b: Operand): Expr {
  return comparison('eq', a, b);
}
export function ne(a: Operand, b: Operand): Expr {
  return comparison('ne', a, b);
}
export function lt(a: Numeric, b: Numeric): Expr {
  return comparison('lt', a, b);
}
export function le(a: Numeric, b: Numeric): Expr {
  return comparison('le', a, b);
}
export function gt(a: Numeric, b: Numeric): Expr {
  return comparison('gt', a, b);
}
export function ge(a: Numeric, b: Numeric): Expr {
  return comparison('ge', a, b);
}

/** Every condition is true. */
export function and(...of: readonly [Expr, ...Expr[]]): Expr {
  return new Expr({ op: 'and', of: of.map(toExpression) });
}
/** One condition at least is true. */
export function or(...of: readonly [Expr, ...Expr[]]): Expr {
  return new Expr({ op: 'or', of: of.map(toExpression) });
}
export function not(condition: Expr): Expr {
  return new Expr({ op: 'not', of: [toExpression(condition)] });
}

/** How many host components a component has. */
export function count(component: { readonly name: string }): Expr {
  return new Expr({ count: component.name });
}

type Numeric = Expr | number;

function operation(op: Calculation, of: readonly Numeric[]): Expr {
  return new Expr({ op, of: of.map(toExpression) });
}

export function add(...of: readonly [Numeric, Numeric, ...Numeric[]]): Expr {
  return operation('add', of);
}
export function sub(...of: readonly [Numeric, Numeric, ...Numeric[]]): Expr {
  return operation('sub', of);
}
export function mul(...of: readonly [Numeric, Numeric, ...Numeric[]]): Expr {
  return operation('mul', of);
}
export function div(...of: readonly [Numeric, Numeric, ...Numeric[]]): Expr {
  return operation('div', of);
}
export function min(...of: readonly [Numeric, Numeric, ...Numeric[]]): Expr {
  return operation('min', of);
}
export function max(...of: readonly [Numeric, Numeric, ...Numeric[]]): Expr {
  return operation('max', of);
}
