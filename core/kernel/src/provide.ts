import { TokensListedTwiceError } from './errors.ts';
import type { Dependency } from './token.ts';
import { inject, injectable, injectAll } from './tsyringe.ts';

/** A class that makes a `T`, whatever it takes. */
export type Class<T = unknown> = new (...args: never[]) => T;

/** One dependency for each parameter of a constructor, in its order. */
export type DependenciesOf<A extends readonly unknown[]> = { [K in keyof A]: Dependency<A[K]> };

const listed = new WeakMap<Class, readonly Dependency<unknown>[]>();

/**
 * Says, beside a class, what its constructor takes; the compiler checks the list against the constructor.
 *
 * @example
 * provide(RuleAlerts, MetricsQuery, each(AlertChannel));
 * @throws TokensListedTwiceError when the class was listed before.
 */
export function provide<A extends unknown[]>(
  cls: new (...args: A) => unknown,
  ...dependencies: DependenciesOf<A>
): void {
  if (listed.has(cls)) throw new TokensListedTwiceError({ className: cls.name });
  const all = dependencies as readonly Dependency<unknown>[];
  listed.set(cls, all);
  const target = cls as unknown as new (...args: unknown[]) => unknown;
  // Own metadata even when empty: tsyringe would otherwise find, and change, the list of a base class.
  Reflect.defineMetadata(
    'design:paramtypes',
    all.map(() => Object),
    target,
  );
  for (const [index, { kind, id }] of all.entries()) {
    // A point without contributions is an empty list; tsyringe throws there unless it is told so.
    const decorate = kind === 'all' ? injectAll(id, { isOptional: true }) : inject(id);
    decorate(target, undefined, index);
  }
  injectable()(target);
}

/** What `provide` was told about a class; undefined when it was told nothing. */
export function dependenciesOf(cls: Class): readonly Dependency<unknown>[] | undefined {
  return listed.get(cls);
}
