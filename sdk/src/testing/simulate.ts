import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Component, LifecyclePhase } from '../define/component.ts';
import type { Property, PropertyType } from '../define/expression.ts';
import type { Stack } from '../define/service.ts';
import { toManifest } from '../define/toManifest.ts';
import type { Json } from '../manifest/expression.ts';
import type { ConfigValues, HostFacts } from '../manifest/inputs.ts';
import type { StackManifest } from '../manifest/manifest.ts';
import { checkValues } from '../render/check.ts';
import { type ProcessCommand, processCommand } from '../render/process.ts';
import { type Effects, renderedFiles, simulatedHost } from './effects.ts';
import { ImpossibleScenarioError } from './errors.ts';
import { definitionOf, inputsOf, placementOf, type World } from './world.ts';

/** What a phase left behind on its host, and the cluster after it. */
export interface SimulatedResult {
  /** Every file on the host by path. */
  readonly files: Readonly<Record<string, string>>;
  /** The component's process, while it runs. */
  readonly process: ProcessCommand | undefined;
  /** Programs and scripts that were run, in order. */
  readonly programs: readonly { readonly program: string; readonly args: readonly string[] }[];
  readonly log: readonly string[];
  readonly next: Simulation;
}

export interface SimulationOptions {
  /** The stack's package folder, for its templates; the working directory when absent. */
  readonly folder?: string;
}

const GIBIBYTE = 1024 ** 3;

/**
 * An imaginary cluster for a stack: real definitions and templates, recorded effects.
 * @example
 * const { files } = await simulate(stack).add(server, 'a', 'b').run(server, 'configure', 'a');
 */
export function simulate(stack: Stack, { folder = process.cwd() }: SimulationOptions = {}): Simulation {
  const templates = readTemplates(join(folder, 'templates'));
  return new Simulation(stack, {
    manifest: toManifest(stack, {
      name: 'simulated',
      version: '0.0.0',
      sdk: '0.0.0',
      templates: Object.keys(templates),
    }),
    templates,
    hosts: new Map(),
    placements: [],
    values: {},
    overrides: {},
    imports: {},
    facts: { cpus: 4, memory: 8 * GIBIBYTE, disk: 100 * GIBIBYTE },
    local: false,
    answers: {},
    files: {},
    processes: {},
    once: [],
  });
}

function readTemplates(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  const files = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(folder.length + 1), readFileSync(path, 'utf8')];
    }),
  );
}

/** A cluster at one moment. Every method returns another one. */
export class Simulation {
  readonly #stack: Stack;
  readonly #world: World;

  constructor(stack: Stack, world: World) {
    this.#stack = stack;
    this.#world = world;
  }

  get manifest(): StackManifest {
    return this.#world.manifest;
  }

  /** Components of the stack, whether they are placed or not. */
  get components(): readonly Component[] {
    return this.#stack.stack.services.flatMap(({ options }) => options.components);
  }

  filesOf(host: string): Readonly<Record<string, string>> {
    return this.#world.files[host] ?? {};
  }

  /** The component on more hosts. Ordinals are handed out in this order and never again. */
  add(component: Component, ...hosts: readonly string[]): Simulation {
    const { service } = definitionOf(this.#world.manifest, component.name);
    const own = this.#world.placements.filter((placement) => placement.component === component.name);
    const twice = hosts.find(
      (host, index) => hosts.indexOf(host) !== index || own.some((other) => other.host === host),
    );
    if (twice !== undefined) throw new ImpossibleScenarioError(`${component.name} would be twice on ${twice}.`);
    const last = Math.max(0, ...own.map(({ ordinal }) => ordinal));
    const added = hosts.map((host, index) => ({
      service: service.name,
      component: component.name,
      host,
      ordinal: last + 1 + index,
    }));
    const known = new Map(this.#world.hosts);
    for (const host of hosts) if (!known.has(host)) known.set(host, known.size + 1);
    return this.#with({ hosts: known, placements: [...this.#world.placements, ...added] });
  }

  /** The component leaves a host; its ordinal is not used again while a higher one is there. */
  remove(component: Component, host: string): Simulation {
    const gone = placementOf(this.#world, component.name, host);
    return this.#with({ placements: this.#world.placements.filter((placement) => placement !== gone) });
  }

  /** What the operator sets for the service. */
  set<V extends Json>(property: Property<PropertyType, V>, value: V): Simulation {
    const values = assign(this.#world.values, property, value);
    this.#check(values);
    return this.#with({ values });
  }

  /** What the operator sets for one host. */
  override<V extends Json>(host: string, property: Property<PropertyType, V>, value: V): Simulation {
    const values = assign(this.#world.overrides[host] ?? {}, property, value);
    this.#check(values);
    return this.#with({ overrides: { ...this.#world.overrides, [host]: values } });
  }

  /** Exports of another service. */
  imports(service: string, exports: Readonly<Record<string, Json>>): Simulation {
    return this.#with({ imports: { ...this.#world.imports, [service]: exports } });
  }

  facts(facts: Partial<HostFacts>): Simulation {
    return this.#with({ facts: { ...this.#world.facts, ...facts } });
  }

  /** All hosts share one machine, each with a root and a loopback address of its own. */
  local(): Simulation {
    return this.#with({ local: true });
  }

  /** What `host.fetchJson` gets at a path; on one host, or on every one. Without it nothing listens. */
  answer(path: string, json: Json, host?: string): Simulation {
    return this.#with({ answers: { ...this.#world.answers, [host === undefined ? path : `${host} ${path}`]: json } });
  }

  /**
   * Runs a phase as an agent would: what the platform does, and the stack's function.
   * @throws what the function throws; ImpossibleScenarioError for a cluster that cannot be
   */
  async run(component: Component, phase: LifecyclePhase, host: string): Promise<SimulatedResult> {
    this.#checkCardinalities();
    const world = this.#world;
    const placement = placementOf(world, component.name, host);
    const { service, component: definition } = definitionOf(world.manifest, component.name);
    const inputs = inputsOf(world, placement);
    const scene = {
      world,
      service,
      component: definition,
      inputs,
      timeoutMs: (definition.timeouts[phase] ?? 600) * 1000,
    };
    const effects: Effects = { files: { ...world.files[host] }, programs: [], log: [], once: [...world.once] };
    const id = `${host} ${service.name}/${component.name}`;
    const processes = { ...world.processes };
    if (phase === 'configure') Object.assign(effects.files, renderedFiles(scene, []));
    const command = processCommand({ service, component: definition, inputs });
    if (phase === 'start' && command) processes[id] = command;
    if (phase === 'stop' || phase === 'remove') delete processes[id];
    const settled = this.#with({ processes }).#world;
    await lifecycleOf(this.#stack, component.name)[phase]?.(simulatedHost({ ...scene, world: settled }, effects));
    const { files, programs, log, once } = effects;
    const next = this.#with({ processes, once, files: { ...world.files, [host]: files } });
    return { files, process: processes[id], programs, log, next };
  }

  #with(changes: Partial<World>): Simulation {
    return new Simulation(this.#stack, { ...this.#world, ...changes });
  }

  #check(values: ConfigValues): void {
    const configs = this.#world.manifest.services.flatMap((service) => service.configs);
    const [first] = checkValues(configs, values, { partial: true });
    if (first) throw new ImpossibleScenarioError(`an operator could not save it: ${first.message}`);
  }

  #checkCardinalities(): void {
    for (const { name, cardinality, with: near = [], notWith = [] } of this.#world.manifest.services.flatMap(
      (s) => s.components,
    )) {
      const hosts = this.#world.placements.filter((other) => other.component === name).map(({ host }) => host);
      if (hosts.length > 0 && !allows(cardinality, hosts.length, this.#world.hosts.size)) {
        throw new ImpossibleScenarioError(
          `${name} is on ${hosts.length} hosts, and its cardinality is '${cardinality}'.`,
        );
      }
      const apart = new Set(notWith.map(({ component }) => component));
      const clash = this.#world.placements.find(({ component, host }) => apart.has(component) && hosts.includes(host));
      if (clash) throw new ImpossibleScenarioError(`${name} must not be with ${clash.component}, as on ${clash.host}.`);
      for (const host of hosts) {
        const there = this.#world.placements.filter((other) => other.host === host).map(({ component }) => component);
        const missing = near.find(({ component }) => !there.includes(component));
        if (missing)
          throw new ImpossibleScenarioError(`${name} must be with ${missing.component}, which ${host} has not.`);
      }
    }
  }
}

function assign(values: ConfigValues, { ref }: Property, value: Json): ConfigValues {
  return { ...values, [ref.config]: { ...values[ref.config], [ref.property]: value } };
}

function lifecycleOf({ stack }: Stack, component: string): NonNullable<Component['options']['lifecycle']> {
  const all = stack.services.flatMap(({ options }) => options.components);
  return all.find(({ name }) => name === component)?.options.lifecycle ?? {};
}

function allows(cardinality: string, count: number, hosts: number): boolean {
  if (cardinality === 'all') return count === hosts;
  if (cardinality.endsWith('+')) return count >= Number.parseInt(cardinality, 10);
  const [low = 0, high = low] = cardinality.split('-').map(Number);
  return count >= low && count <= high;
}
