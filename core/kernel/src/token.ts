declare const carries: unique symbol;

/** Something a constructor can be given: one thing behind a token, or all contributions to a point. */
export interface Dependency<out T> {
  readonly kind: 'one' | 'all';
  readonly id: string;
  /** Exists for the compiler only. */
  readonly [carries]: T;
}

/** The run-time name of an interface. Interface and token share one name, so one import brings both. */
export interface Token<out T> extends Dependency<T> {
  readonly kind: 'one';
}

/** Everything contributed to an extension point, in the order plugins were loaded; empty when nobody contributes. */
export interface Each<out T> extends Dependency<readonly T[]> {
  readonly kind: 'all';
}

/** The type behind a token or a point. */
export type Carried<D> = D extends Dependency<infer T> ? T : never;

/**
 * Names an interface at run time. Two tokens with the same id are the same token.
 *
 * @example
 * export interface Alerts { evaluate(): Promise<readonly Alert[]> }
 * export const Alerts = token<Alerts>('alerts.Alerts');
 */
export function token<T>(id: string): Token<T> {
  return Object.freeze({ kind: 'one', id }) as Token<T>;
}

/** Asks for everything contributed to an extension point instead of for the one provider of a token. */
export function each<T>(point: Token<T>): Each<T> {
  return Object.freeze({ kind: 'all', id: point.id }) as Each<T>;
}
