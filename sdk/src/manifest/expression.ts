import { z } from 'zod';
import {
  type Calculation,
  CALCULATIONS,
  type Comparison,
  COMPARISONS,
  type Connective,
  CONNECTIVES,
  FACTS,
  SELF_FIELDS,
} from './words.ts';

export * from './words.ts';

/** A JSON value as it stands in a manifest, a config or a task's inputs. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export const Json: z.ZodType<Json> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(Json), z.record(z.string(), Json)]),
);

/** A property of a config, named as data: what a property object serialises to. */
export const PropertyRef = z.strictObject({ config: z.string(), property: z.string() });
/** A property of a config, named as data. */
export type PropertyRef = z.infer<typeof PropertyRef>;

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
  | { readonly op: Calculation; readonly of: readonly Expression[] }
  | { readonly op: Comparison; readonly of: readonly [Expression, Expression] }
  | { readonly op: Connective; readonly of: readonly Expression[] }
  /** A condition, what it is when that is true, and what otherwise. */
  | { readonly choose: readonly [Expression, Expression, Expression] }
  /** The first one that has a value: a property without one and the export of a missing service have none. */
  | { readonly orElse: readonly [Expression, Expression] }
  /** An expression evaluated for each host component of a component, by ordinal, the texts joined. */
  | {
      readonly each: {
        readonly component: string;
        readonly of: Expression;
        readonly separator: string;
        /** Only those that are being decommissioned, or only the others; all when absent. */
        readonly only?: 'leaving' | 'staying' | undefined;
        /** Only the lowest ordinal of them; all when absent. */
        readonly first?: boolean | undefined;
      };
    }
  /** How many hosts of the cluster a component could go to. Only in `place`. */
  | { readonly cluster: 'hosts' };

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
    z.strictObject({ op: z.enum(CALCULATIONS), of: z.array(Expression) }),
    z.strictObject({ op: z.enum(COMPARISONS), of: z.tuple([Expression, Expression]) }),
    z.strictObject({ op: z.enum(CONNECTIVES), of: z.array(Expression).min(1) }),
    z.strictObject({ choose: z.tuple([Expression, Expression, Expression]) }),
    z.strictObject({ orElse: z.tuple([Expression, Expression]) }),
    z.strictObject({
      each: z.strictObject({
        component: z.string(),
        of: Expression,
        separator: z.string().max(20),
        only: z.enum(['leaving', 'staying']).optional(),
        first: z.boolean().optional(),
      }),
    }),
    z.strictObject({ cluster: z.literal('hosts') }),
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
  /** An attribute of a bean at a JMX servlet, as Hadoop's daemons have one: GET <path>?qry=<bean>. */
  z.strictObject({
    kind: z.literal('jmx'),
    port: Expression,
    path: z.string(),
    bean: z.string(),
    attribute: z.string(),
    expect: Json.optional(),
  }),
  /** A sample of a Prometheus endpoint; healthy while it is between `min` and `max`. */
  z.strictObject({
    kind: z.literal('metric'),
    port: Expression,
    path: z.string(),
    metric: z.string(),
    min: z.number().optional(),
    max: z.number().optional(),
    /** Its answer is what this label says of the first sample that is not 0. */
    label: z.string().optional(),
  }),
  /** A program that is run without a shell as the service's user; healthy when it ends with 0 in time. */
  z.strictObject({
    kind: z.literal('exec'),
    program: Expression,
    args: z.array(Expression),
    env: z.record(z.string(), Expression),
    timeoutMs: z.number().int().positive(),
  }),
  /** Healthy while the declared process lives. */
  z.strictObject({ kind: z.literal('process') }),
]);
/** A way to ask a running component something. */
export type Probe = z.infer<typeof Probe>;
