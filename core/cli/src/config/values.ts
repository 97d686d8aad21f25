import type { Values } from '../api/types.ts';
import { ConflictError } from '../errors.ts';

/** Values with some set and some taken out; configs without any are left out. */
export function changed(
  values: Values,
  { set, unset }: { readonly set: Values; readonly unset: readonly { config: string; name: string }[] },
): Values {
  const result: Values = {};
  for (const config of new Set([...Object.keys(values), ...Object.keys(set)])) {
    const gone = new Set(unset.filter((each) => each.config === config).map(({ name }) => name));
    const kept = Object.entries({ ...values[config], ...set[config] }).filter(([name]) => !gone.has(name));
    if (kept.length > 0) result[config] = Object.fromEntries(kept);
  }
  return result;
}

/** Sorted lines "zoo.cfg/tickTime = 3000", for comparing two versions. */
export function lines(values: Values, overrides: Readonly<Record<string, Values>>): string {
  const of = (some: Values, prefix: string): string[] =>
    Object.entries(some).flatMap(([config, properties]) =>
      Object.entries(properties).map(([name, value]) => `${prefix}${config}/${name} = ${shown(value)}`),
    );
  const all = [...of(values, ''), ...Object.entries(overrides).flatMap(([host, own]) => of(own, `${host}: `))];
  return all
    .sort()
    .map((line) => `${line}\n`)
    .join('');
}

export function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'secret' in value) {
    return 'fingerprint' in value ? `(set, ${String(value.fingerprint)})` : '(set)';
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** @throws ConflictError when somebody saved a version between the look and the plan. */
export function requireSameVersion(service: string, before: number, after: number): void {
  if (before === after) return;
  throw new ConflictError(
    `The config of ${service} went from version ${before} to ${after} meanwhile. Look at it and repeat the change on top of it.`,
  );
}
