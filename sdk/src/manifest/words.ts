/** The words of expressions, apart from their schemas: who only evaluates expressions is spared a validator. */

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

export const CALCULATIONS = ['add', 'sub', 'mul', 'div', 'min', 'max'] as const;
export type Calculation = (typeof CALCULATIONS)[number];
/** Of two values of one type; `lt`, `le`, `gt`, `ge` of numbers. */
export const COMPARISONS = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const;
export type Comparison = (typeof COMPARISONS)[number];
/** Of conditions; `not` of one. */
export const CONNECTIVES = ['and', 'or', 'not'] as const;
export type Connective = (typeof CONNECTIVES)[number];
