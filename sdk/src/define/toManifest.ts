import type { z } from 'zod';
import type { ConfigManifest } from '../manifest/config.ts';
import { checkManifest } from '../manifest/check.ts';
import { checkDefinition } from '../manifest/definition.ts';
import {
  type ComponentManifest,
  type NeighbourManifest,
  type PlaceManifest,
  type ProfileManifest,
  type ServiceManifest,
  StackManifest,
} from '../manifest/manifest.ts';
import type { Component, LifecyclePhase, Place } from './component.ts';
import { type AnyConfig, CONFIG } from './config.ts';
import { isError, problemText, StackDefinitionError, type StackProblem } from './errors.ts';
import { toExpression } from './expression.ts';
import type { Profile } from './profile.ts';
import type { OsPackages, Service, Stack } from './service.ts';

export interface ManifestOptions {
  /** The npm package's name and version. */
  readonly name: string;
  readonly version: string;
  /** The version of the SDK it is built with. */
  readonly sdk: string;
  /** Paths under templates/, to find `<config>.hbs` by its config's name. */
  readonly templates?: readonly string[];
}

/** What came of a definition: everything found, and the manifest unless something is an error. */
export interface InspectedStack {
  readonly manifest?: StackManifest;
  readonly problems: readonly StackProblem[];
  /** The definition as data where the schema refuses it, for what can be checked all the same. */
  readonly draft: StackManifest;
}

/**
 * A stack as data, checked by the schema and by what no schema can see.
 * @throws StackDefinitionError with everything that is wrong.
 */
export function toManifest(stack: Stack, options: ManifestOptions): StackManifest {
  const { manifest, problems } = inspectStack(stack, options);
  if (!manifest) throw new StackDefinitionError(problems);
  return manifest;
}

/** As `toManifest`, but it does not throw for what is wrong in the definition, and tells what is only unwise too. */
export function inspectStack({ stack }: Stack, options: ManifestOptions): InspectedStack {
  const { name, version, sdk, templates = [] } = options;
  const services = stack.services.map((service) => serviceManifest(service, templates));
  const draft: StackManifest = {
    format: 1,
    name,
    version,
    sdk,
    title: stack.title ?? services[0]?.title ?? name,
    ...given('description', stack.description),
    services,
  };
  const parsed = StackManifest.safeParse(draft);
  const invalid = parsed.success ? [] : parsed.error.issues.map((issue) => toProblem(issue, draft));
  const problems = distinct([...invalid, ...semanticProblems(parsed.data ?? draft, templates, parsed.success)]);
  return { draft, problems, ...(parsed.success && !problems.some(isError) ? { manifest: parsed.data } : {}) };
}

/** What the schema refuses may be of any form; then what else is wrong is told as far as it can be seen. */
function semanticProblems(manifest: StackManifest, templates: readonly string[], isValid: boolean): StackProblem[] {
  try {
    return [...checkManifest(manifest, templates), ...checkDefinition(manifest)];
  } catch (error) {
    if (isValid) throw error;
    return [];
  }
}

function distinct(problems: readonly StackProblem[]): StackProblem[] {
  const seen = new Set<string>();
  return problems.filter((problem) => {
    const text = problemText(problem);
    return !seen.has(text) && seen.add(text);
  });
}

function serviceManifest({ name, options }: Service, templates: readonly string[]): ServiceManifest {
  const requires = options.requires ?? [];
  const jdk = requires.find((requirement) => requirement.kind === 'jdk');
  const os = requires.find((requirement) => requirement.kind === 'os');
  return {
    name,
    title: options.title,
    ...given('description', options.description),
    version: options.version,
    user: options.user,
    ...given('license', options.license),
    packages: [...(options.packages ?? [])],
    requires: {
      ...given('jdk', jdk?.range),
      ...given('os', os && mutable(os.packages)),
      services: requires
        .filter((requirement) => requirement.kind === 'service')
        .map(({ service, range, optional }) => ({ service, range, ...(optional ? { optional } : {}) })),
    },
    configs: configsOf({ name, options }).map((config) => withTemplate(config, templates)),
    components: options.components.map(componentManifest),
    exports: Object.fromEntries(
      Object.entries(options.exports ?? {}).map(([key, value]) => [key, toExpression(value)]),
    ),
    ...given('upgrade', options.upgrade && { ...options.upgrade }),
    ...given('rules', options.rules && [...options.rules]),
    ...given('profiles', options.profiles && Object.entries(options.profiles).map(profileManifest)),
    ...given('alerts', options.alerts && withNames(options.alerts)),
    ...given('dashboards', options.dashboards && withNames(options.dashboards)),
  };
}

/** Every config object once, in the order of the components that use it. */
function configsOf({ options }: Service): ConfigManifest[] {
  const all = [...options.components.flatMap((component) => component.options.config ?? []), ...(options.config ?? [])];
  return [...new Set<AnyConfig>(all)].map((config) => config[CONFIG]);
}

function withTemplate(config: ConfigManifest, templates: readonly string[]): ConfigManifest {
  const conventional = `${config.name}.hbs`;
  if (config.template !== undefined || !templates.includes(conventional)) return config;
  return { ...config, template: conventional };
}

function componentManifest({ name, options }: Component): ComponentManifest {
  const configs = (options.config ?? []).map((config) => config[CONFIG]);
  const directories = configs.flatMap((config) =>
    config.properties
      .filter(({ type }) => type === 'dir' || type === 'dirs')
      .map((property) => ({ config: config.name, property: property.name })),
  );
  const { decommission, place, actions } = options;
  const phases: ComponentManifest['lifecycle'] = [
    ...(Object.keys(options.lifecycle ?? {}) as LifecyclePhase[]),
    ...(decommission ? (['decommission'] as const) : []),
    ...(decommission?.undo ? (['recommission'] as const) : []),
  ];
  return {
    name,
    title: options.title,
    ...given('user', options.user),
    category: options.category,
    cardinality: options.cardinality,
    ...given('prefer', options.prefer),
    configs: configs.map((config) => config.name),
    files: (options.files ?? []).map((file) => ({
      in: file.in.ref,
      name: file.name,
      content: toExpression(file.content),
    })),
    dirs: options.dirs?.map((directory) => directory.ref) ?? directories,
    ...given('process', options.process),
    lifecycle: phases,
    after: [...(options.after ?? [])],
    rolling: options.upgrade?.kind === 'rolling',
    ...given('lastRole', options.upgrade?.last),
    ...given('turnsAfter', options.upgrade?.after),
    timeouts: { ...options.timeouts },
    idempotent: { ...options.idempotent },
    health: { ...options.health },
    ...given('role', options.role),
    ...given('metrics', options.metrics),
    links: Object.fromEntries(
      Object.entries(options.links ?? {}).map(([title, { port, path }]) => [title, { port, path }]),
    ),
    ...given('with', options.with?.map(neighbour)),
    ...given('notWith', options.notWith?.map(neighbour)),
    ...given('place', place && placeManifest(place)),
    ...given('actions', actions && Object.entries(actions).map(([key, { manifest }]) => ({ name: key, ...manifest }))),
    ...given(
      'decommission',
      decommission && { ...given('by', decommission.by?.name), timeout: decommission.timeout ?? 3600 },
    ),
  };
}

function neighbour(other: NonNullable<Component['options']['with']>[number]): NeighbourManifest {
  if ('options' in other) return { component: other.name };
  const { component, why } = other;
  return { component: typeof component === 'string' ? component : component.name, why };
}

function placeManifest({ hosts, score }: Place): PlaceManifest {
  return {
    ...given('hosts', hosts === undefined ? undefined : toExpression(hosts)),
    ...given('score', score?.expression),
  };
}

function profileManifest([name, { help, settings }]: [string, Profile]): ProfileManifest {
  const values: ProfileManifest['values'] = {};
  const hosts: ProfileManifest['hosts'] = {};
  for (const setting of settings) {
    if ('component' in setting) hosts[setting.component] = setting.hosts;
    else (values[setting.config] ??= {})[setting.property] = setting.value;
  }
  return { name, help, values, hosts };
}

function withNames<T>(named: Readonly<Record<string, T>>): (T & { name: string })[] {
  return Object.entries(named).map(([name, value]) => ({ name, ...value }));
}

function mutable(packages: OsPackages): NonNullable<ServiceManifest['requires']['os']> {
  return Object.fromEntries(Object.entries(packages).map(([family, names]) => [family, [...names]]));
}

function given<K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]: V });
}

/** What stands between the lists of a manifest, as the places of problems are written. */
const PLACES: Readonly<Record<string, string>> = {
  packages: 'package',
  alerts: 'alert',
  dashboards: 'dashboard',
  profiles: 'profile',
  actions: 'action',
  files: 'file',
  exports: 'export',
  links: 'link',
};
const SILENT = new Set(['services', 'components', 'configs', 'properties', 'input', 'name']);

/** An issue of the schema, its place in names instead of indexes: `zookeeper/zookeeper_server action x`. */
function toProblem(issue: z.core.$ZodIssue, manifest: StackManifest): StackProblem {
  let value: unknown = manifest;
  let where = '';
  let list = '';
  for (const step of issue.path) {
    value = (value as Record<PropertyKey, unknown> | undefined)?.[step];
    const name = (value as { name?: unknown } | undefined)?.name;
    if (typeof step === 'number')
      where += `${list === 'components' ? '/' : ' '}${typeof name === 'string' ? name : step}`;
    else if (!SILENT.has(String(step))) where += ` ${PLACES[String(step)] ?? String(step)}`;
    list = String(step);
  }
  if (issue.path.at(-1) === 'format') {
    const remedy = "give it as `{ format: 'properties' }`";
    return { where: where.trim().replace(/ format$/, ''), reason: 'its name does not tell its format', remedy };
  }
  return { where: where.trim() || 'the stack', reason: issue.message, remedy: 'change the definition' };
}
