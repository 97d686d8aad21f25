import type { Json } from '../manifest/expression.ts';
import type { ConfigValues, HostFacts, Inputs, Instance, Self } from '../manifest/inputs.ts';
import type { ComponentManifest, ServiceManifest, StackManifest } from '../manifest/manifest.ts';
import type { ProcessCommand } from '../render/process.ts';
import { effectiveValues } from '../render/effective.ts';
import { ImpossibleScenarioError } from './errors.ts';

/** One component on one imaginary host. */
export interface Placement {
  readonly service: string;
  readonly component: string;
  readonly host: string;
  readonly ordinal: number;
}

/** An imaginary cluster at one moment. It is never changed; what a phase does makes another one. */
export interface World {
  readonly manifest: StackManifest;
  readonly templates: Readonly<Record<string, string>>;
  /** Hosts by name with their number, from 1. */
  readonly hosts: ReadonlyMap<string, number>;
  readonly placements: readonly Placement[];
  readonly values: ConfigValues;
  readonly overrides: Readonly<Record<string, ConfigValues>>;
  readonly imports: Inputs['imports'];
  readonly facts: HostFacts;
  /** Whether all hosts share one machine. */
  readonly local: boolean;
  /** JSON by `host path`, or by path for every host. */
  readonly answers: Readonly<Record<string, Json>>;
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
  const shared = { imports: world.imports, facts: world.facts };
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

function ordered(world: World, service: string, component: string): Placement[] {
  return world.placements
    .filter((other) => other.service === service && other.component === component)
    .toSorted((a, b) => a.ordinal - b.ordinal);
}

function instanceOf(world: World, { host, ordinal }: Placement): Instance {
  const number = world.hosts.get(host) ?? 0;
  return { host, ordinal, address: world.local ? `127.0.0.${10 + number}` : `10.0.0.${number}` };
}

export function selfOf(world: World, placement: Placement): Self {
  const instance = instanceOf(world, placement);
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
