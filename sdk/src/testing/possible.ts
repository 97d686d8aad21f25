import type { Json, PropertyRef } from '../manifest/expression.ts';
import type { HostFacts } from '../manifest/inputs.ts';
import type { ProfileManifest, NeighbourManifest, ServiceManifest, StackManifest } from '../manifest/manifest.ts';
import { expressionsOf, partsOf } from '../manifest/walk.ts';
import { checkValues } from '../render/check.ts';
import { evaluate } from '../render/evaluate.ts';
import { didYouMean } from '../render/nearest.ts';
import { ImpossibleScenarioError } from './errors.ts';
import { definitionOf, importsOf, inputsOf, type Placement, type World } from './world.ts';

const HOST = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;

export function requireHostNames(component: string, hosts: readonly string[]): void {
  if (hosts.length === 0) refuse(`${component} is added to no host; name one.`);
  const wrong = hosts.find((host) => !HOST.test(host));
  if (wrong !== undefined) refuse(`${JSON.stringify(wrong)} is no name of a host; use letters, digits, . and -.`);
}

/** A value that an operator can save, of a property that the stack declares. */
export function requireSavable({ services }: StackManifest, { config, property }: PropertyRef, value: Json): void {
  const configs = services.flatMap((service) => service.configs);
  const called = configs.filter(({ name }) => name === config);
  const own = called.find(({ properties }) => properties.some(({ name }) => name === property)) ?? called[0];
  if (!own) {
    const names = configs.map(({ name }) => name);
    const hint = didYouMean(config, names);
    refuse(
      `no component has the config ${config}${hint || `; it is none of ${names.join(', ')}`}. List it in \`config\`.`,
    );
  }
  const names = own.properties.map(({ name }) => name);
  if (!names.includes(property)) refuse(`${config} declares no property ${property}${didYouMean(property, names)}.`);
  const wrong = checkValues([own], { [config]: { [property]: value } }, { partial: true }).find(
    ({ severity }) => severity !== 'warning',
  );
  if (wrong) refuse(`an operator could not save it: ${wrong.message}`);
}

/** The profiles of that name, of all services of the stack. */
export function requireProfile({ services }: StackManifest, name: string): readonly ProfileManifest[] {
  const all = services.flatMap(({ profiles = [] }) => profiles);
  const found = all.filter((each) => each.name === name);
  const hint = didYouMean(
    name,
    all.map((each) => each.name),
  );
  if (found.length === 0) refuse(`no service has a profile ${name}${hint}.`);
  return found;
}

/** Exports can come only from a service that one of the stack requires. */
export function requireImport(
  { services }: StackManifest,
  name: string,
  exports: Readonly<Record<string, Json>>,
): void {
  const required = services.flatMap((service) => service.requires.services.map((each) => each.service));
  if (!required.includes(name)) {
    const hint = didYouMean(name, required) || '.';
    refuse(
      `no service requires ${name}, so nothing sees its exports${hint} Add service('${name}', …) to \`requires\`.`,
    );
  }
  const own = services.find((service) => service.name === name);
  const unknown = own && Object.keys(exports).find((key) => !Object.hasOwn(own.exports, key));
  if (unknown !== undefined) {
    refuse(`${name} has no export ${unknown}${didYouMean(unknown, Object.keys(own?.exports ?? {})) || '.'}`);
  }
}

export function requireFacts(facts: Partial<HostFacts>): void {
  for (const [name, value] of Object.entries(facts)) {
    const least = name === 'disk' ? 0 : 1;
    if (!['cpus', 'memory', 'disk'].includes(name))
      refuse(`hosts have no fact ${name}; there are cpus, memory and disk.`);
    if (!Number.isSafeInteger(value) || value < least) {
      refuse(`no host has ${name} ${value}; it is a whole number from ${least}${name === 'cpus' ? '' : ', in bytes'}.`);
    }
  }
}

export function requirePath(path: string): void {
  if (!path.startsWith('/')) refuse(`nothing answers at ${path}; a path begins with a slash, as in '/${path}'.`);
}

/** A cluster that an operator could have, in which a phase of this host component could run. */
export function requirePossible(world: World, placement: Placement): void {
  requireCardinalities(world);
  requireNeighbours(world);
  requireKnownHosts(world);
  requireDeclaredPorts(world);
  const { service } = definitionOf(world.manifest, placement.component);
  requireValues(world, service);
  requireImports(world, service);
}

/** Sentences of the rules that a cluster breaks. */
export function brokenRules(world: World): readonly string[] {
  return world.manifest.services.flatMap((service) => {
    const placement = world.placements.find((each) => each.service === service.name);
    if (!placement) return [];
    const inputs = inputsOf(world, placement);
    const broken = (service.rules ?? []).filter(({ refuse: rule }) => evaluate(rule, { service, inputs }) === true);
    return broken.map(({ message }) => message);
  });
}

function requireCardinalities({ manifest, placements, hosts }: World): void {
  for (const service of manifest.services) {
    for (const { name, cardinality } of service.components) {
      const count = placements.filter((other) => other.service === service.name && other.component === name).length;
      if (count > 0 && !allows(cardinality, count, hosts.size)) {
        refuse(`${name} is on ${count} hosts, and its cardinality is '${cardinality}'.`);
      }
    }
  }
}

function requireNeighbours({ manifest, placements }: World): void {
  for (const { service, component: name, host } of placements) {
    const full = ({ component }: NeighbourManifest): string =>
      component.includes('/') ? component : `${service}/${component}`;
    const there = placements
      .filter((other) => other.host === host && !(other.service === service && other.component === name))
      .map((other) => `${other.service}/${other.component}`);
    const { component } = definitionOf(manifest, name);
    const short = (id: string): string => id.replace(`${service}/`, '');
    const clash = (component.notWith ?? []).find((other) => there.includes(full(other)));
    if (clash) refuse(`${name} must not be with ${short(full(clash))}, as on ${host}${because(clash)}.`);
    const missing = (component.with ?? []).find((other) => !there.includes(full(other)));
    if (missing) refuse(`${name} must be with ${short(full(missing))}, which ${host} has not${because(missing)}.`);
  }
}

function because({ why }: NeighbourManifest): string {
  return why === undefined ? '' : `: ${why}`;
}

function requireKnownHosts({ hosts, overrides, answers }: World): void {
  const named = [...Object.keys(overrides), ...answers.flatMap(({ host }) => (host === undefined ? [] : [host]))];
  const unknown = named.find((host) => !hosts.has(host));
  if (unknown !== undefined) {
    refuse(`something is said of host ${unknown}, where nothing is; add a component to it with .add(…, '${unknown}').`);
  }
}

/** A number that is the value of no port property: nothing of the stack can listen there. */
function requireDeclaredPorts(world: World): void {
  for (const { port, path } of world.answers) {
    if (port === undefined) continue;
    if (typeof port !== 'number') {
      const property = world.manifest.services
        .flatMap(({ configs }) => configs)
        .find(({ name }) => name === port.config)
        ?.properties.find(({ name }) => name === port.property);
      if (property?.type !== 'port')
        refuse(`${port.property} of ${port.config} is no port of the stack, so ${path} is nowhere.`);
      continue;
    }
    const declared = world.placements.flatMap((placement) => portsOf(world, placement));
    if (!declared.includes(port)) {
      const known = [...new Set(declared)].join(', ');
      refuse(`nothing declares the port ${port}${known === '' ? '' : `; the ports here are ${known}`}.`);
    }
  }
}

function portsOf(world: World, placement: Placement): number[] {
  const { service } = definitionOf(world.manifest, placement.component);
  const inputs = inputsOf(world, placement);
  return service.configs.flatMap((config) =>
    config.properties.flatMap(({ name, type }) => {
      if (type !== 'port' || inputs.values[config.name]?.[name] === undefined) return [];
      const value = evaluate({ property: { config: config.name, property: name } }, { service, inputs });
      return typeof value === 'number' ? [value] : [];
    }),
  );
}

function requireValues(world: World, service: ServiceManifest): void {
  const missing = checkValues(service.configs, world.values).find(
    // What is set belongs to the whole stack, so that configs of other services are unknown here.
    ({ code }) => code === 'VALUE_MISSING',
  );
  if (missing) refuse(`an operator would have to set more: ${missing.message} Do so with .set(…).`);
}

function requireImports(world: World, service: ServiceManifest): void {
  const optional = service.requires.services.filter((each) => each.optional).map((each) => each.service);
  const there = importsOf(world, service);
  for (const { expression } of expressionsOf(service)) {
    for (const part of partsOf(expression)) {
      if (!('import' in part) || optional.includes(part.import.service)) continue;
      const { service: name, export: key } = part.import;
      const exports = Object.hasOwn(there, name) ? there[name] : undefined;
      if (!exports) {
        refuse(
          `${service.name} requires ${name}, which is not there; give its exports with .imports('${name}', { ${key}: … }).`,
        );
      }
      if (!Object.hasOwn(exports, key)) refuse(`${name} has no export ${key}, which ${service.name} uses.`);
    }
  }
}

function allows(cardinality: string, count: number, hosts: number): boolean {
  if (cardinality === 'all') return count === hosts;
  if (cardinality.endsWith('+')) return count >= Number.parseInt(cardinality, 10);
  const [low = 0, high = low] = cardinality.split('-').map(Number);
  return count >= low && count <= high;
}

function refuse(why: string): never {
  throw new ImpossibleScenarioError(why);
}
