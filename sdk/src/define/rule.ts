import type { Expression } from '../manifest/expression.ts';
import { called } from './callSite.ts';
import type { Condition } from './expression.ts';

/** What no cluster may be like, as `refuse` gives it. */
export interface Rule {
  /** True of a cluster that breaks it. */
  readonly refuse: Expression;
  /** Why not, and what to do instead. */
  readonly message: string;
}

/**
 * A rule between the components of a service: plans of which the condition is true are refused with the sentence.
 * @example
 * rules: [refuse(and(gt(count(server), 1), eq(count(client), 0)), 'Several servers need a client. Place one.')]
 */
export function refuse(condition: Condition, message: string): Rule {
  return called({ refuse: condition.expression, message }, refuse);
}
