import { z } from 'zod';
import { type SettingProblem, SettingsError } from './errors.ts';
import { looksSecret, redactText } from './redact.ts';
import { fromEnvironment, fromFile, fromObject, type Given } from './settingSources.ts';

/** Settings by name: a zod type for each, groups as nested objects. */
export interface SettingsShape {
  readonly [name: string]: z.ZodType | SettingsShape;
}

/** The values of a shape. */
export type SettingsValues<S extends SettingsShape> = {
  readonly [K in keyof S]: S[K] extends z.ZodType
    ? z.output<S[K]>
    : S[K] extends SettingsShape
      ? SettingsValues<S[K]>
      : never;
};

/** Values to give explicitly; what is undefined counts as not given. */
export type SettingsOverrides<S extends SettingsShape> = {
  readonly [K in keyof S]?: S[K] extends z.ZodType
    ? z.input<S[K]> | undefined
    : S[K] extends SettingsShape
      ? SettingsOverrides<S[K]>
      : never;
};

/** Where values come from, the first that has one wins: `overrides`, `env`, `file`, then the default of the type. */
export interface SettingsSources<S extends SettingsShape> {
  readonly overrides?: SettingsOverrides<S>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Path of a YAML or JSON file, which must exist. */
  readonly file?: string | undefined;
}

/** One setting, flattened: `http.port`, by environment `STACKYARD_HTTP_PORT`. */
export interface Setting {
  readonly path: readonly string[];
  readonly key: string;
  readonly env: string;
  readonly type: z.ZodType;
  readonly secret: boolean;
}

export interface Settings<S extends SettingsShape> {
  readonly all: readonly Setting[];
  /** @throws SettingsError with every problem and where its value came from; secrets are never in it. */
  read(sources: SettingsSources<S>): SettingsValues<S>;
}

/** The values of settings made by `defineSettings`. */
export type SettingsOf<D> = D extends Settings<infer S> ? SettingsValues<S> : never;

const secrets = z.registry<{ secret: true }>();

/** Marks a setting whose value no error shows. Settings named like `token` or `password` are secret anyway. */
export function secret<T extends z.ZodType>(type: T): T {
  secrets.add(type, { secret: true });
  return type;
}

/**
 * Defines the settings of a program.
 *
 * @example
 * export const serverSettings = defineSettings({
 *   http: { host: z.string().default('127.0.0.1'), port: z.int().min(0).max(65_535).default(8080) },
 *   databaseUrl: secret(z.url()).optional(),
 * });
 * const { http } = serverSettings.read({ env: process.env, file: '/etc/stackyard/server.yaml' });
 * @param options `prefix` of the environment variables; all with that prefix must be known, here or in `otherEnv`.
 */
export function defineSettings<const S extends SettingsShape>(
  shape: S,
  { prefix = 'STACKYARD_', otherEnv = [] }: { prefix?: string; otherEnv?: readonly string[] } = {},
): Settings<S> {
  const all = flatten(shape, [], prefix);
  const names = new Map<string, string>();
  for (const { key, env } of all) {
    if (names.has(env)) throw new Error(`The settings ${names.get(env)} and ${key} are both ${env}. Rename one.`);
    names.set(env, key);
  }
  return {
    all,
    read({ overrides = {}, env = {}, file }) {
      const sources = [
        fromObject(overrides, all, 'given explicitly'),
        fromEnvironment(env, all, { prefix, otherEnv }),
        ...(file === undefined ? [] : [fromFile(file, all)]),
      ];
      const problems = sources.flatMap((source) => source.problems);
      const values = {};
      for (const setting of all) {
        const given = sources.map(({ values }) => values.get(setting.key)).find((value) => value !== undefined);
        const result = setting.type.safeParse(given?.value);
        if (result.success) put(values, setting.path, result.data);
        else problems.push(...problemsOf(setting, given, result.error));
      }
      if (problems.length > 0) throw new SettingsError({ problems });
      return values as SettingsValues<S>;
    },
  };
}

function flatten(shape: SettingsShape, above: readonly string[], prefix: string): Setting[] {
  return Object.entries(shape).flatMap(([name, item]): Setting[] => {
    const path = [...above, name];
    if (!isType(item)) return flatten(item, path, prefix);
    const env = prefix + path.map((step) => step.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()).join('_');
    return [{ path, key: path.join('.'), env, type: item, secret: path.some(looksSecret) || holdsSecret(item) }];
  });
}

function isType(item: z.ZodType | SettingsShape): item is z.ZodType {
  return '_zod' in item;
}

/** Looks through `.optional()`, `.default()` and the like for a mark set by `secret`. */
function holdsSecret(type: z.ZodType): boolean {
  if (secrets.has(type) || secrets.get(type)) return true;
  const { innerType, in: input } = type._zod.def as { innerType?: z.ZodType; in?: z.ZodType };
  return [innerType, input].some((inner) => inner !== undefined && holdsSecret(inner));
}

function put(values: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let group = values;
  for (const step of path.slice(0, -1)) group = (group[step] ??= {}) as Record<string, unknown>;
  group[path.at(-1)!] = value;
}

function problemsOf(setting: Setting, given: Given | undefined, error: z.ZodError): SettingProblem[] {
  const { key, env } = setting;
  if (!given)
    return [{ key, origin: 'nowhere', sentence: `${key} is not set. Set it in the file, or by the variable ${env}.` }];
  const { origin, value } = given;
  // Own checks may quote the value in their messages, so a secret's problem is told by its kind alone.
  if (setting.secret) {
    const kinds = error.issues.map(({ code }) => code).join(', ');
    return [{ key, origin, sentence: `${key} (${origin}) is not valid: ${kinds}. Its value is secret and not shown.` }];
  }
  const shown = typeof value === 'object' ? '' : ` is ${redactText(JSON.stringify(value))}`;
  return error.issues.map(({ path, message }) => {
    const at = [key, ...path.map(String)].join('.');
    return { key, origin, sentence: `${at}${shown} (${origin}): ${redactText(message)}` };
  });
}
