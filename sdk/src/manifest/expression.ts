import { z } from 'zod';

/** A JSON value as it stands in a manifest, a config or a task's inputs. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export const Json: z.ZodType<Json> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(Json), z.record(z.string(), Json)]),
);

/** A property of a config, named as data: what a property object serialises to. */
export const PropertyRef = z.strictObject({ config: z.string(), property: z.string() });
export type PropertyRef = z.infer<typeof PropertyRef>;

/** Facts about the host component itself that an expression may name. */
export const SELF_FIELDS = [
  'ordinal',
  'host',
  'address',
  'bind',
  'root',
  'hostComponentId',
  'configDir',
  'logDir',
  'packageDir',
  'javaHome',
] as const;

/** Numeric facts of a host. `memory` and `disk` in bytes. */
export const FACTS = ['cpus', 'memory', 'disk'] as const;

/**
 * An expression over typed values: what a stack author writes with combinators becomes this data, and the planner and
 * the agent evaluate it. It holds no functions.
 */
export type Expression =
  | { readonly literal: Json }
  | { readonly property: PropertyRef }
  | { readonly self: (typeof SELF_FIELDS)[number] }
  /** The absolute path of a rendered config on the host. */
  | { readonly configPath: string }
  /** Parts turned into text and joined without a separator. */
  | { readonly concat: readonly Expression[] }
  /** `address:port` of every host component of a component of this service, by ordinal, comma-separated. */
  | { readonly hostPorts: { readonly component: string; readonly port: PropertyRef } }
  /** An export of another service of the cluster. */
  | { readonly import: { readonly service: string; readonly export: string } }
  | { readonly fact: (typeof FACTS)[number] }
  /** How many host components a component of this service has. */
  | { readonly count: string }
  | { readonly op: 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max'; readonly of: readonly Expression[] };

export const Expression: z.ZodType<Expression> = z.lazy(() =>
  z.union([
    z.strictObject({ literal: Json }),
    z.strictObject({ property: PropertyRef }),
    z.strictObject({ self: z.enum(SELF_FIELDS) }),
    z.strictObject({ configPath: z.string() }),
    z.strictObject({ concat: z.array(Expression) }),
    z.strictObject({ hostPorts: z.strictObject({ component: z.string(), port: PropertyRef }) }),
    z.strictObject({ import: z.strictObject({ service: z.string(), export: z.string() }) }),
    z.strictObject({ fact: z.enum(FACTS) }),
    z.strictObject({ count: z.string() }),
    z.strictObject({ op: z.enum(['add', 'sub', 'mul', 'div', 'min', 'max']), of: z.array(Expression) }),
  ]),
);

/** A way to ask a running component something. Addresses are the host component's own. */
export const Probe = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('tcp'), port: Expression }),
  /** GET http://<address>:<port><path>; healthy on 2xx. With `json`, the value at that dotted path is the answer. */
  z.strictObject({
    kind: z.literal('http'),
    port: Expression,
    path: z.string(),
    json: z.string().optional(),
    expect: Json.optional(),
  }),
  /** Healthy while the declared process lives. */
  z.strictObject({ kind: z.literal('process') }),
]);
export type Probe = z.infer<typeof Probe>;
