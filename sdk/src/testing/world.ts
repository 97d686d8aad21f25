import type { Json, PropertyRef } from '../manifest/expression.ts';
import type { ConfigValues, HostFacts, Inputs, Instance, Self } from '../manifest/inputs.ts';
import type { ComponentManifest, ServiceManifest, StackManifest } from '../manifest/manifest.ts';
import type { ProcessCommand } from '../render/process.ts';
import { effectiveValues } from '../render/effective.ts';
import { evaluate } from '../render/evaluate.ts';
import { ImpossibleScenarioError } from './errors.ts';

/** One component on one imaginary host. */
export interface Placement {
  readonly service: string;
  readonly component: string;
  readonly host: string;
  readonly ordinal: number;
  /** It is being decommissioned, or was. */
  readonly leaving?: boolean;
}

/** What is answered at a path: by one host or every one, at one port or any. */
export interface Answer {
  readonly path: string;
  readonly json: Json;
  readonly host?: string | undefined;
  readonly port?: number | PropertyRef | undefined;
}

/** An imaginary cluster at one moment. It is never changed; what a phase does makes another one. */
export interface World {
  readonly manifest: StackManifest;
  readonly templates: Readonly<Record<string, string>>;
  /** Scripts of the package, as `scripts/x.sh`. */
  readonly scripts: readonly string[];
  /** Hosts by name with their number, from 1. */
  readonly hosts: ReadonlyMap<string, number>;
  readonly placements: readonly Placement[];
  readonly values: ConfigValues;
  readonly overrides: Readonly<Record<string, ConfigValues>>;
  readonly imports: Inputs['imports'];
  readonly facts: HostFacts;
  /** Whether all hosts share one machine. */
  readonly local: boolean;
  /** The last one that fits is what a port answers. */
  readonly answers: readonly Answer[];
  /** The last one that fits is what a program prints, or how it fails. */
  readonly prints: readonly { readonly program: string; readonly said: string | Error }[];
  /** The last ordinal that was handed out, by `service/component`. */
  readonly ordinals: Readonly<Record<string, number>>;
  /** By host: files by path, running processes by `service/component`, steps done once. */
  readonly files: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly processes: Readonly<Record<string, ProcessCommand>>;
  readonly once: readonly string[];
}

/** The definition of a component of the stack under test. */
export function definitionOf(
  manifest: StackManifest,
  name: string,
): { service: ServiceManifest; component: ComponentManifest } {
  for (const service of manifest.services) {
    const component = service.components.find((candidate) => candidate.name === name);
    if (component) return { service, component };
  }
  const known = manifest.services.flatMap(({ components }) => components.map((component) => component.name));
  throw new ImpossibleScenarioError(`${manifest.name} has no component ${name}; it has ${known.join(', ')}.`);
}

export function placementOf(world: World, component: string, host: string): Placement {
  const found = world.placements.find((placement) => placement.component === component && placement.host === host);
  if (found) return found;
  throw new ImpossibleScenarioError(
    `there is no ${component} on ${host}; add it first with .add(${component}, '${host}').`,
  );
}

/** What rendering and lifecycle functions get to see of the world, for one placement. */
export function inputsOf(world: World, placement: Placement): Inputs {
  const { service } = definitionOf(world.manifest, placement.component);
  const shared = { imports: importsOf(world, service), facts: world.facts };
  const plain = Object.fromEntries(
    service.components.map(({ name }) => [
      name,
      ordered(world, service.name, name).map((other) => instanceOf(world, other)),
    ]),
  );
  const valuesOf = (other: Placement): ConfigValues =>
    effectiveValues({
      service,
      values: ofService(service, world.values),
      overrides: world.overrides[other.host],
      generated: generatedOf(service),
      instances: plain,
      self: selfOf(world, other),
      ...shared,
    });
  const values = valuesOf(placement);
  const instances = Object.fromEntries(
    service.components.map(({ name }) => [
      name,
      ordered(world, service.name, name).map((other) => {
        const differing = difference(valuesOf(other), values);
        return { ...instanceOf(world, other), ...(differing ? { overrides: differing } : {}) };
      }),
    ]),
  );
  return { self: selfOf(world, placement), values, instances, ...shared };
}

/** Exports as a test gives them, or those of another service of the stack that is there. */
export function importsOf(world: World, service: ServiceManifest, asking: readonly string[] = []): Inputs['imports'] {
  const own = service.requires.services.flatMap(({ service: name }): [string, Readonly<Record<string, Json>>][] => {
    const other = world.manifest.services.find((candidate) => candidate.name === name);
    const first = world.placements.find((placement) => placement.service === name);
    if (!other || !first || asking.includes(name)) return [];
    return [[name, exportsOf(world, other, { first, asking: [...asking, service.name] })]];
  });
  return { ...Object.fromEntries(own), ...world.imports };
}

function exportsOf(
  world: World,
  service: ServiceManifest,
  { first, asking }: { readonly first: Placement; readonly asking: readonly string[] },
): Record<string, Json> {
  const instances = Object.fromEntries(
    service.components.map(({ name }) => [
      name,
      ordered(world, service.name, name).map((each) => instanceOf(world, each)),
    ]),
  );
  const imports = importsOf(world, service, asking);
  const values = effectiveValues({
    service,
    values: ofService(service, world.values),
    overrides: world.overrides[first.host],
    generated: generatedOf(service),
    instances,
    imports,
    facts: world.facts,
    self: selfOf(world, first),
  });
  const context = { service, local: world.local, inputs: { values, instances, imports, facts: world.facts } };
  return Object.fromEntries(
    Object.entries(service.exports).map(([name, expression]) => [
      name,
      evaluate(expression, { ...context, place: `export ${name}` }),
    ]),
  );
}

function ordered(world: World, service: string, component: string): Placement[] {
  return world.placements
    .filter((other) => other.service === service && other.component === component)
    .toSorted((a, b) => a.ordinal - b.ordinal);
}

export function instanceOf(world: World, { host, ordinal, leaving }: Placement): Instance {
  const number = world.hosts.get(host) ?? 0;
  const address = world.local ? `127.0.0.${10 + number}` : `10.0.0.${number}`;
  return { host, ordinal, address, ...(leaving ? { leaving } : {}) };
}

export function selfOf(world: World, placement: Placement): Self {
  const { leaving: _, ...instance } = instanceOf(world, placement);
  return {
    ...instance,
    hostComponentId: `${placement.component}-${placement.ordinal}`,
    service: placement.service,
    component: placement.component,
    bind: world.local ? instance.address : '0.0.0.0',
    root: world.local ? `/srv/${placement.host}` : '/',
    local: world.local,
    javaHome: '/usr/lib/jvm/java',
  };
}

function ofService(service: ServiceManifest, values: ConfigValues): ConfigValues {
  return Object.fromEntries(Object.entries(values).filter(([name]) => service.configs.some((c) => c.name === name)));
}

function generatedOf(service: ServiceManifest): ConfigValues {
  return Object.fromEntries(
    service.configs.map((config) => {
      const made = config.properties.filter(({ generated }) => generated);
      return [config.name, Object.fromEntries(made.map(({ name }, index) => [name, uuid(index)]))];
    }),
  );
}

function uuid(index: number): string {
  return `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
}

function difference(values: ConfigValues, base: ConfigValues): ConfigValues | undefined {
  const differing = Object.entries(values).map(([config, properties]): [string, Record<string, Json>] => [
    config,
    Object.fromEntries(
      Object.entries(properties).filter(
        ([name, value]) => JSON.stringify(value) !== JSON.stringify(base[config]?.[name]),
      ),
    ),
  ]);
  const found = differing.filter(([, properties]) => Object.keys(properties).length > 0);
  return found.length > 0 ? Object.fromEntries(found) : undefined;
}
