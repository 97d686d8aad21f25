import { describe, expect, test } from 'vitest';
import type { Component, LifecyclePhase } from '../define/component.ts';
import type { Stack } from '../define/service.ts';
import type { StackManifest } from '../manifest/manifest.ts';
import { expressionsOf, partsOf } from '../manifest/walk.ts';
import { ImpossibleScenarioError } from './errors.ts';
import { simulate, type Simulation, type SimulationOptions } from './simulate.ts';

/**
 * What every stack promises, as tests.
 * @example
 * describeStack(stack);
 */
export function describeStack(stack: Stack, options: SimulationOptions = {}): void {
  const { manifest, components } = simulate(stack, options);
  describe(`the stack ${manifest.title}`, () => {
    test.each(components)('$name renders with defaults, on one machine and on many', async (component) => {
      const cluster = standardCluster(stack, options);
      for (const scenario of [cluster, cluster.local()]) {
        await expect(scenario.run(component, 'configure', hostsOf(component)[0] ?? '')).resolves.toBeDefined();
      }
    });

    test('every property says what it is for', () => {
      const silent = propertiesOf(manifest).filter(({ property }) => property.help.trim() === '');
      expect(silent.map(({ where }) => where)).toEqual([]);
    });

    test('ports are unique on a host', () => {
      const ports = propertiesOf(manifest).flatMap(({ where, property }) => {
        if (property.type !== 'port' || !property.default || !('literal' in property.default)) return [];
        return [{ where, port: property.default.literal }];
      });
      const taken = ports.filter(({ port }, index) => ports.findIndex((other) => other.port === port) !== index);
      expect(taken).toEqual([]);
    });

    test.each(lifecyclePhases(components))('$phase of $component.name run twice gives the same files', async (each) => {
      const host = hostsOf(each.component)[0] ?? '';
      const configured = await standardCluster(stack, options).run(each.component, 'configure', host);
      const once = await outcome(configured.next, each, host);
      const twice = await outcome(once.next, each, host);
      expect(twice.files).toEqual(once.files);
    });

    test('every import from a service of the stack names one of its exports', () => {
      const imports = manifest.services.flatMap((service) =>
        expressionsOf(service).flatMap(({ expression }) =>
          partsOf(expression).flatMap((part) => ('import' in part ? [part.import] : [])),
        ),
      );
      const broken = imports.filter(({ service, export: name }) => {
        const own = manifest.services.find((candidate) => candidate.name === service);
        return own && !Object.hasOwn(own.exports, name);
      });
      expect(broken).toEqual([]);
    });

    test('a cluster that cannot exist is refused with a sentence', () => {
      const [component] = components;
      const cluster = simulate(stack, options).add(component as Component, 'a');
      expect(() => cluster.add(component as Component, 'a')).toThrow(ImpossibleScenarioError);
    });
  });
}

/** Every component on as many hosts as it asks for. */
function standardCluster(stack: Stack, options: SimulationOptions): Simulation {
  const empty = simulate(stack, options);
  const imports = empty.manifest.services.flatMap((service) =>
    expressionsOf(service).flatMap(({ expression }) =>
      partsOf(expression).flatMap((part) => ('import' in part ? [part.import] : [])),
    ),
  );
  const services = Map.groupBy(imports, ({ service }) => service);
  const fed = [...services].reduce(
    (cluster, [service, all]) =>
      cluster.imports(service, Object.fromEntries(all.map(({ export: name }) => [name, `${service}.${name}.test:1`]))),
    empty,
  );
  return empty.components.reduce((cluster, component) => cluster.add(component, ...hostsOf(component)), fed);
}

/** Components that must not meet get hosts of their own. */
function hostsOf({ name, options }: Component): string[] {
  const { cardinality, notWith, prefer } = options;
  const least = cardinality === 'all' ? 3 : Math.max(1, Number.parseInt(cardinality, 10));
  const count = prefer === 'odd' && cardinality.endsWith('+') ? Math.max(3, least) : least;
  return Array.from({ length: count }, (_, index) => (notWith ? `${name}-${index + 1}` : `h${index + 1}`));
}

interface PhaseOf {
  readonly component: Component;
  readonly phase: LifecyclePhase;
}

function lifecyclePhases(components: readonly Component[]): PhaseOf[] {
  return components.flatMap((component) =>
    (Object.keys(component.options.lifecycle ?? {}) as LifecyclePhase[]).map((phase) => ({ component, phase })),
  );
}

/** A function may fail in an empty world, where nothing answers; what it leaves behind must be the same all the same. */
async function outcome(cluster: Simulation, { component, phase }: PhaseOf, host: string) {
  try {
    return await cluster.run(component, phase, host);
  } catch {
    return { next: cluster, files: cluster.filesOf(host) };
  }
}

function propertiesOf(manifest: StackManifest) {
  return manifest.services.flatMap((service) =>
    service.configs.flatMap((config) =>
      config.properties.map((property) => ({ where: `${service.name} ${config.name} ${property.name}`, property })),
    ),
  );
}
