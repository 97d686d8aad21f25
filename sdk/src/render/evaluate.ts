import type { Expression, Json, PropertyRef } from '../manifest/expression.ts';
import type { Inputs, Instance, Self } from '../manifest/inputs.ts';
import type { ServiceManifest } from '../manifest/manifest.ts';
import { type Calculation, type Comparison, COMPARISONS, type Connective, CONNECTIVES } from '../manifest/words.ts';
import { configDir, logDir, packageDir } from '../paths.ts';
import { ExpressionError, PathError } from './errors.ts';
import { describeProperty, findProperty, resolveValue } from './values.ts';

/** What an expression may depend on. Without `self` it is one of the service, such as an export. */
export type EvaluationInputs = Omit<Inputs, 'self'> & { readonly self?: Self | undefined };

export interface EvaluationContext {
  readonly inputs: EvaluationInputs;
  readonly service: ServiceManifest;
  /** Named in errors: where the expression stands in the definition. */
  readonly place?: string | undefined;
  /** Whether the hosts of the service share a machine; that of `self` when absent. */
  readonly local?: boolean | undefined;
  /** For `place`: how many hosts a component could go to. */
  readonly clusterHosts?: number | undefined;
}

type Each = Extract<Expression, { each: unknown }>['each'];

/**
 * The value of an expression for one host component (or, without `self`, for its service).
 * Directories become paths on the host, and ports that are shifted on local hosts are shifted.
 * @throws ExpressionError naming the place and what is missing; never anything else.
 */
export function evaluate(expression: Expression, context: EvaluationContext): Json {
  try {
    return valueOf(expression, context);
  } catch (error) {
    if (error instanceof PathError) return fail(context, error.message);
    if (error instanceof RangeError) return fail(context, 'it is too long, or nested too deeply');
    throw error;
  }
}

function valueOf(expression: Expression, context: EvaluationContext): Json {
  if ('literal' in expression) return expression.literal;
  if ('property' in expression) return ownProperty(expression.property, context);
  if ('self' in expression) return selfField(expression.self, context);
  if ('configPath' in expression) return configPath(expression.configPath, context);
  if ('concat' in expression) return expression.concat.map((part) => toText(valueOf(part, context))).join('');
  if ('hostPorts' in expression) return hostPorts(expression.hostPorts, context);
  if ('import' in expression) return imported(expression.import, context);
  if ('fact' in expression) return context.inputs.facts[expression.fact];
  if ('count' in expression) return instancesOf(expression.count, context).length;
  if ('each' in expression) return eachOf(expression.each, context);
  if ('cluster' in expression)
    return context.clusterHosts ?? fail(context, 'only `place` may ask for hosts of the cluster');
  if ('choose' in expression) {
    const [condition, then, otherwise] = expression.choose;
    return valueOf(toCondition(valueOf(condition, context), context) ? then : otherwise, context);
  }
  if ('orElse' in expression)
    return valueOrNull(expression.orElse[0], context) ?? valueOf(expression.orElse[1], context);
  const { op, of } = expression;
  if (isConnective(op)) return connect(op, of, context);
  if (isComparison(op))
    return compare(
      op,
      of.map((part) => valueOf(part, context)),
      context,
    );
  return compute(
    op,
    of.map((part) => toNumber(valueOf(part, context), context)),
    context,
  );
}

/** The value of an expression, or null where an export that it names is not there. */
function valueOrNull(expression: Expression, context: EvaluationContext): Json {
  if ('import' in expression) return exportOf(expression.import, context) ?? null;
  if ('orElse' in expression)
    return valueOrNull(expression.orElse[0], context) ?? valueOrNull(expression.orElse[1], context);
  return valueOf(expression, context);
}

/** Each host component sees its own ordinal, host, address and values. */
function eachOf({ component, of, separator, only, first }: Each, context: EvaluationContext): string {
  const { inputs } = context;
  const chosen = instancesOf(component, context).filter(
    ({ leaving = false }) => only === undefined || leaving === (only === 'leaving'),
  );
  return (first ? chosen.slice(0, 1) : chosen)
    .map((instance) => {
      const { overrides = {}, ...place } = instance;
      const values = Object.entries(overrides).reduce(
        (all, [config, own]) => ({ ...all, [config]: { ...all[config], ...own } }),
        inputs.values,
      );
      const self = { ...(inputs.self ?? NOWHERE), ...place, service: context.service.name, component };
      const local = context.local ?? inputs.self?.local;
      return toText(valueOf(of, { ...context, local, inputs: { ...inputs, values, self } }));
    })
    .join(separator);
}

/** Of a host component of another host only what its instance tells is known. */
const NOWHERE = { hostComponentId: '', bind: '', root: '/', local: false } as const;

/** A value as it stands in an argument or joined text: lists comma-separated, maps as JSON. */
export function toText(value: Json): string {
  if (value === null) return '';
  if (Array.isArray(value)) return value.map(toText).join(',');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function ownProperty(ref: PropertyRef, context: EvaluationContext): Json {
  const { self, values } = context.inputs;
  return propertyOf(ref, values, self, context);
}

/** A property as one host component of the service has it. */
function propertyOf(
  ref: PropertyRef,
  values: Inputs['values'],
  owner: Instance | undefined,
  context: EvaluationContext,
): Json {
  const property = findProperty(context.service.configs, ref);
  if (!property)
    return fail(context, `there is no property ${describeProperty(ref)} in service ${context.service.name}`);
  const value = values[ref.config]?.[ref.property];
  if (value === undefined) {
    if (property.optional || property.when) return null;
    return fail(context, `${describeProperty(ref)} has no value; give it one in the config of ${context.service.name}`);
  }
  const local = context.local ?? context.inputs.self?.local ?? false;
  return resolveValue(property, value, { root: context.inputs.self?.root, local, ordinal: owner?.ordinal });
}

function hostPorts(
  { component, port }: { readonly component: string; readonly port: PropertyRef },
  context: EvaluationContext,
): string {
  const { values } = context.inputs;
  return instancesOf(component, context)
    .map((instance) => {
      const own = instance.overrides?.[port.config]?.[port.property];
      const merged = own === undefined ? values : { [port.config]: { [port.property]: own } };
      return `${instance.address}:${toText(propertyOf(port, merged, instance, context))}`;
    })
    .join(',');
}

function instancesOf(component: string, context: EvaluationContext): readonly Instance[] {
  if (!context.service.components.some((candidate) => candidate.name === component)) {
    return fail(context, `service ${context.service.name} has no component ${component}`);
  }
  return (context.inputs.instances[component] ?? []).toSorted((a, b) => a.ordinal - b.ordinal);
}

function imported(
  { service, export: name }: { readonly service: string; readonly export: string },
  context: EvaluationContext,
): Json {
  const value = exportOf({ service, export: name }, context);
  return value ?? fail(context, `the export ${name} of service ${service} is not there; add ${service} to the cluster`);
}

function exportOf(
  { service, export: name }: { readonly service: string; readonly export: string },
  { inputs }: EvaluationContext,
): Json | undefined {
  const exports = Object.hasOwn(inputs.imports, service) ? inputs.imports[service] : undefined;
  return exports && Object.hasOwn(exports, name) ? exports[name] : undefined;
}

function configPath(config: string, context: EvaluationContext): string {
  if (!context.service.configs.some((candidate) => candidate.name === config)) {
    return fail(context, `service ${context.service.name} has no config ${config}`);
  }
  return `${configDir(requireSelf(context))}/${config}`;
}

function selfField(field: Extract<Expression, { self: unknown }>['self'], context: EvaluationContext): Json {
  const self = requireSelf(context);
  if (field === 'configDir') return configDir(self);
  if (field === 'logDir') return logDir(self);
  if (field === 'packageDir') {
    const product = context.service.packages[0];
    if (!product) return fail(context, `service ${context.service.name} has no package, so no packageDir`);
    return packageDir(self.root, product.name, product.version);
  }
  if (field === 'javaHome') {
    return self.javaHome ?? fail(context, `host ${self.host} has no known JDK; install one that fits the service`);
  }
  return self[field];
}

function requireSelf(context: EvaluationContext): Self {
  return context.inputs.self ?? fail(context, 'it names facts of one host component, which an export cannot do');
}

const CALCULATE = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  min: (a, b) => Math.min(a, b),
  max: (a, b) => Math.max(a, b),
} satisfies Record<Calculation, (a: number, b: number) => number>;

function compute(op: Calculation, numbers: readonly number[], context: EvaluationContext): number {
  const [first, ...rest] = numbers;
  if (first === undefined) return fail(context, `${op} needs at least one operand`);
  const result = rest.reduce(CALCULATE[op], first);
  return Number.isFinite(result) ? result : fail(context, `${op} of ${numbers.join(', ')} is no number`);
}

const COMPARE = {
  eq: (a, b) => JSON.stringify(a) === JSON.stringify(b),
  ne: (a, b) => JSON.stringify(a) !== JSON.stringify(b),
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
} satisfies Record<Comparison, (a: number, b: number) => boolean>;

function isComparison(op: string): op is Comparison {
  return (COMPARISONS as readonly string[]).includes(op);
}

function isConnective(op: string): op is Connective {
  return (CONNECTIVES as readonly string[]).includes(op);
}

function compare(op: Comparison, values: readonly Json[], context: EvaluationContext): boolean {
  const [a = null, b = null] = values;
  if (op === 'eq' || op === 'ne') return COMPARE[op](a as number, b as number);
  return COMPARE[op](toNumber(a, context), toNumber(b, context));
}

/** Stops at the first part that decides, so that `and(ne(x, ''), …)` guards what follows. */
function connect(op: Connective, of: readonly Expression[], context: EvaluationContext): boolean {
  const isTrue = (part: Expression): boolean => toCondition(valueOf(part, context), context);
  if (of.length === 0 || (op === 'not' && of.length > 1))
    return fail(context, `${op} needs ${op === 'not' ? 'one condition' : 'conditions'}`);
  if (op === 'not') return !of.every(isTrue);
  return op === 'and' ? of.every(isTrue) : of.some(isTrue);
}

function toCondition(value: Json, context: EvaluationContext): boolean {
  return typeof value === 'boolean' ? value : fail(context, `${JSON.stringify(value)} is no condition`);
}

function toNumber(value: Json, context: EvaluationContext): number {
  return typeof value === 'number' ? value : fail(context, `${JSON.stringify(value)} is no number to calculate with`);
}

function fail(context: EvaluationContext, why: string): never {
  const self = context.inputs.self;
  const where = self ? `${context.service.name}/${self.component} on ${self.host}` : `service ${context.service.name}`;
  throw new ExpressionError(context.place ? `${where}, ${context.place}` : where, why);
}
