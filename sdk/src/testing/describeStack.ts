import { describe, expect, test } from 'vitest';
import type { Component, LifecyclePhase } from '../define/component.ts';
import { Property } from '../define/expression.ts';
import type { Stack } from '../define/service.ts';
import type { Expression, Json, PropertyRef } from '../manifest/expression.ts';
import type { StackManifest } from '../manifest/manifest.ts';
import { expressionsOf, partsOf } from '../manifest/walk.ts';
import { analyseTemplate } from '../render/analyse.ts';
import { ImpossibleScenarioError } from './errors.ts';
import { mayMeet, standardHosts } from './places.ts';
import { sampleOf } from './samples.ts';
import { simulate, type Simulation, type SimulationOptions } from './simulate.ts';

/** What helps where samples do not fit. */
export interface DescribeOptions extends SimulationOptions {
  /** What a cluster needs beyond its defaults and samples, such as a text that matches a pattern. */
  readonly given?: (cluster: Simulation) => Simulation;
}

/**
 * What every stack promises, as tests: it renders with its defaults, with every profile and with every condition on and off, on many hosts
 * and on one machine; whatever runs twice leaves the same files; properties, actions and inputs say what they are for;
 * ports do not clash; templates and imports name what is there; and a cluster that cannot exist is refused.
 * @example
 * describeStack(stack);
 */
export function describeStack(stack: Stack, options: DescribeOptions = {}): void {
  const empty = simulate(stack, options);
  const { manifest, components } = empty;
  const hosts = standardHosts(manifest);
  const hostOf = ({ name }: Component): string => hosts[name]?.[0] ?? '';
  const cluster = standardCluster(empty, options);

  describe(`the stack ${manifest.title}`, () => {
    test.each(components)('$name renders with defaults, on one machine and on many', async (component) => {
      for (const scenario of [cluster, cluster.local()]) await scenario.run(component, 'configure', hostOf(component));
    });

    test.each(switchesOf(manifest))('it renders where $name is $value', async ({ ref, value }) => {
      const chosen = cluster.set(new Property<'enum', Json>(ref, 'enum'), value);
      for (const component of components) await chosen.run(component, 'configure', hostOf(component));
    });

    test.each(profilesOf(manifest))('it renders with the profile %s', async (profile) => {
      const chosen = cluster.profile(profile);
      for (const component of components) await chosen.run(component, 'configure', hostOf(component));
    });

    test('templates name only what is there', () => {
      expect(templateFaults(empty)).toEqual([]);
    });

    test('every property, action and input says what it is for', () => {
      const actions = manifest.services.flatMap((service) =>
        service.components.flatMap((component) =>
          (component.actions ?? []).flatMap(({ name, help, input }) => [
            { where: `${component.name} ${name}`, help },
            ...input.map((property) => ({ where: `${component.name} ${name} ${property.name}`, help: property.help })),
          ]),
        ),
      );
      const properties = propertiesOf(manifest).map(({ where, property }) => ({ where, help: property.help }));
      expect([...properties, ...actions].filter(({ help }) => help.trim() === '').map(({ where }) => where)).toEqual(
        [],
      );
    });

    test('ports are unique on a host', () => {
      expect(clashingPorts(manifest)).toEqual([]);
    });

    test.each(lifecyclePhases(components))('$phase of $component.name run twice gives the same files', async (each) => {
      const configured = await cluster.run(each.component, 'configure', hostOf(each.component));
      const once = await outcome(configured.next, each, hostOf(each.component));
      const twice = await outcome(once.next, each, hostOf(each.component));
      expect(twice.files).toEqual(once.files);
    });

    test.each(askable(components))('$what of $component.name answers, or says why not', async ({ component, ask }) => {
      const host = hostOf(component);
      const asking = async (): Promise<unknown> => {
        const configured = await withSpare(cluster, component).run(component, 'configure', host);
        return ask(configured.next, host);
      };
      const said = await asking().catch((error: unknown) => error);
      // In an empty world it may fail; then with a sentence for the operator.
      if (said instanceof TypeError || said instanceof ReferenceError) throw said;
      if (said instanceof Error) expect(said.message.trim()).not.toBe('');
      else expect(JSON.parse(JSON.stringify(said ?? null))).toEqual(said ?? null);
    });

    test('every import from a service of the stack names one of its exports', () => {
      const broken = importsIn(manifest).filter(({ service, export: name }) => {
        const own = manifest.services.find((candidate) => candidate.name === service);
        return own && !Object.hasOwn(own.exports, name);
      });
      expect(broken).toEqual([]);
    });

    test('a cluster that cannot exist is refused with a sentence', () => {
      const [component] = components as readonly [Component, ...Component[]];
      const once = empty.add(component, 'a');
      expect(() => once.add(component, 'a')).toThrow(ImpossibleScenarioError);
    });
  });
}

/** Every component on as many hosts as it asks for, with a value for all that an operator has to give. */
function standardCluster(empty: Simulation, { given = (cluster) => cluster }: DescribeOptions): Simulation {
  const { manifest } = empty;
  const hosts = standardHosts(manifest);
  const foreign = importsIn(manifest).filter(({ service }) => !manifest.services.some(({ name }) => name === service));
  const services = Map.groupBy(foreign, ({ service }) => service);
  const fed = [...services].reduce(
    (cluster, [service, all]) =>
      cluster.imports(service, Object.fromEntries(all.map(({ export: name }) => [name, `${service}.${name}.test:1`]))),
    empty,
  );
  const set = propertiesOf(manifest).reduce((cluster, { ref, property }) => {
    const { default: value, optional, generated } = property;
    const sample = value || optional || generated ? undefined : sampleOf(property);
    return sample === undefined
      ? cluster
      : cluster.set(new Property<typeof property.type, Json>(ref, property.type), sample);
  }, fed);
  const placed = empty.components.reduce((cluster, component) => {
    const [first, ...more] = hosts[component.name] ?? [];
    return first === undefined ? cluster : cluster.add(component, first, ...more);
  }, set);
  return given(placed);
}

function profilesOf({ services }: StackManifest): string[] {
  return [...new Set(services.flatMap(({ profiles = [] }) => profiles.map(({ name }) => name)))];
}

interface Switch {
  /** For the title of the test. */
  readonly name: string;
  readonly ref: PropertyRef;
  readonly value: Json;
}

/** Every value of a property that a condition depends on and that has but a few. */
function switchesOf(manifest: StackManifest): Switch[] {
  const conditions = manifest.services.flatMap((service) =>
    expressionsOf(service).flatMap(({ expression }) => partsOf(expression).flatMap(conditionsIn)),
  );
  const whens = propertiesOf(manifest).flatMap(({ property }) => (property.when ? [property.when] : []));
  const refs = [...conditions, ...whens]
    .flatMap(partsOf)
    .flatMap((part) => ('property' in part ? [JSON.stringify([part.property.config, part.property.property])] : []));
  return propertiesOf(manifest).flatMap(({ ref, property }) => {
    if (!refs.includes(JSON.stringify([ref.config, ref.property]))) return [];
    const values = property.type === 'bool' ? [true, false] : property.type === 'enum' ? (property.values ?? []) : [];
    return values.map((value) => ({ name: `${ref.property} of ${ref.config}`, ref, value }));
  });
}

function conditionsIn(part: Expression): Expression[] {
  return 'choose' in part ? [part.choose[0]] : [];
}

function templateFaults(empty: Simulation): string[] {
  const { manifest, templates } = empty;
  return manifest.services.flatMap((service) =>
    service.configs.flatMap((config) => {
      const source = config.template === undefined ? undefined : templates[config.template];
      if (source === undefined || !config.file) return [];
      return analyseTemplate(config.name, source, { stack: manifest, service, config }).map(
        ({ line, column, reason }) => `templates/${config.template}:${line}:${column}: ${reason}`,
      );
    }),
  );
}

/** Default ports that two components on one host would both listen on. Those with a condition may share one. */
function clashingPorts(manifest: StackManifest): string[] {
  const ports = manifest.services.flatMap((service) =>
    service.components.flatMap((component) =>
      service.configs
        .filter(({ name }) => component.configs.includes(name))
        .flatMap((config) =>
          config.properties.flatMap(({ name, type, when, default: value }) => {
            if (type !== 'port' || when || !value || !('literal' in value)) return [];
            const owner = `${service.name}/${component.name}`;
            return [{ owner, property: `${service.name} ${config.name} ${name}`, port: value.literal }];
          }),
        ),
    ),
  );
  const clashes = ports.flatMap((one, index) =>
    ports
      .slice(index + 1)
      // A config of two components is one property, and so one port.
      .filter(
        ({ port, property, owner }) =>
          port === one.port && property !== one.property && mayMeet(manifest, one.owner, owner),
      )
      .map(({ property }) => `${one.property} and ${property}: ${JSON.stringify(one.port)}`),
  );
  return [...new Set(clashes)];
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

interface Askable {
  readonly component: Component;
  readonly what: string;
  readonly ask: (cluster: Simulation, host: string) => Promise<unknown>;
}

/** Everything an operator can ask of a component, with the least that has to be given. */
function askable(components: readonly Component[]): Askable[] {
  return components.flatMap((component): Askable[] => {
    const { actions = {}, decommission } = component.options;
    const asked = Object.entries(actions).map(([name, { manifest }]): Askable => {
      const needed = manifest.input.filter((each) => !(each.default || each.optional || each.when));
      const input = Object.fromEntries(
        needed.flatMap((property) => {
          const sample = sampleOf(property);
          return sample === undefined ? [] : [[property.name, sample]];
        }),
      );
      const ask: Askable['ask'] = async (cluster, host) => (await cluster.action(component, name, input, host)).result;
      return { component, what: `action ${name}`, ask };
    });
    if (!decommission) return asked;
    const drain: Askable['ask'] = async (cluster, host) => {
      const { next } = await cluster.decommission(component, host);
      await next.recommission(component, host);
    };
    return [...asked, { component, what: 'decommission', ask: drain }];
  });
}

/** Another host with the component, as far as it may have one: somebody has to take over what leaves. */
function withSpare(cluster: Simulation, component: Component): Simulation {
  const { cardinality } = component.options;
  const isOne = standardHosts(cluster.manifest)[component.name]?.length === 1;
  return isOne && /\+$|-/.test(cardinality) ? cluster.add(component, `${component.name}-spare`) : cluster;
}

/**
 * A function may fail in an empty world, where nothing answers; what it leaves behind must be the same all the same. A
 * scenario that cannot exist is a mistake, here as everywhere.
 */
async function outcome(cluster: Simulation, { component, phase }: PhaseOf, host: string) {
  try {
    return await cluster.run(component, phase, host);
  } catch (error) {
    if (error instanceof ImpossibleScenarioError) throw error;
    return { next: cluster, files: cluster.filesOf(host) };
  }
}

function importsIn(manifest: StackManifest) {
  return manifest.services.flatMap((service) =>
    expressionsOf(service).flatMap(({ expression }) =>
      partsOf(expression).flatMap((part) => ('import' in part ? [part.import] : [])),
    ),
  );
}

function propertiesOf(manifest: StackManifest) {
  return manifest.services.flatMap((service) =>
    service.configs.flatMap((config) =>
      config.properties.map((property) => ({
        where: `${service.name} ${config.name} ${property.name}`,
        ref: { config: config.name, property: property.name },
        property,
      })),
    ),
  );
}
