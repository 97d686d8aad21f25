import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Component, LifecyclePhase } from '../define/component.ts';
import type { PortProperty, Property, PropertyType } from '../define/expression.ts';
import type { Stack } from '../define/service.ts';
import { toManifest } from '../define/toManifest.ts';
import type { Json } from '../manifest/expression.ts';
import type { ConfigValues, HostFacts } from '../manifest/inputs.ts';
import type { StackManifest } from '../manifest/manifest.ts';
import { type ProcessCommand, processCommand } from '../render/process.ts';
import { type Effects, renderedFiles, simulatedHost } from './effects.ts';
import { ImpossibleScenarioError } from './errors.ts';
import {
  requireFacts,
  requireHostNames,
  requireImport,
  requirePath,
  requirePossible,
  requireSavable,
} from './possible.ts';
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

/** Where something answers. */
export interface AnswerPlace {
  readonly host?: string;
  /** A port of the stack, by its property or its number. */
  readonly port?: PortProperty | number;
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
  const templates = readFiles(join(folder, 'templates'));
  const scripts = Object.keys(readFiles(join(folder, 'scripts'))).map((path) => `scripts/${path}`);
  return new Simulation(stack, {
    manifest: toManifest(stack, {
      name: 'simulated',
      version: '0.0.0',
      sdk: '0.0.0',
      templates: Object.keys(templates),
    }),
    templates,
    scripts,
    hosts: new Map(),
    placements: [],
    values: {},
    overrides: {},
    imports: {},
    facts: { cpus: 4, memory: 8 * GIBIBYTE, disk: 100 * GIBIBYTE },
    local: false,
    answers: [],
    ordinals: {},
    files: {},
    processes: {},
    once: [],
  });
}

function readFiles(folder: string): Record<string, string> {
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

  /** Sources of the stack's templates by their path under templates/. */
  get templates(): Readonly<Record<string, string>> {
    return this.#world.templates;
  }

  /** Components of the stack, whether they are placed or not. */
  get components(): readonly Component[] {
    return this.#stack.stack.services.flatMap(({ options }) => options.components);
  }

  filesOf(host: string): Readonly<Record<string, string>> {
    return this.#world.files[host] ?? {};
  }

  /** The component on more hosts. Ordinals are handed out in this order and never again. */
  add(component: Component, ...hosts: readonly [string, ...string[]]): Simulation {
    const { service } = definitionOf(this.#world.manifest, component.name);
    requireHostNames(component.name, hosts);
    const own = this.#world.placements.filter((placement) => placement.component === component.name);
    const twice = hosts.find(
      (host, index) => hosts.indexOf(host) !== index || own.some((other) => other.host === host),
    );
    if (twice !== undefined) throw new ImpossibleScenarioError(`${component.name} would be twice on ${twice}.`);
    const id = `${service.name}/${component.name}`;
    const last = this.#world.ordinals[id] ?? 0;
    const added = hosts.map((host, index) => ({
      service: service.name,
      component: component.name,
      host,
      ordinal: last + 1 + index,
    }));
    const known = new Map(this.#world.hosts);
    for (const host of hosts) if (!known.has(host)) known.set(host, known.size + 1);
    const ordinals = { ...this.#world.ordinals, [id]: last + hosts.length };
    return this.#with({ hosts: known, placements: [...this.#world.placements, ...added], ordinals });
  }

  /** The component leaves a host; its ordinal is never used again. */
  remove(component: Component, host: string): Simulation {
    const gone = placementOf(this.#world, component.name, host);
    return this.#with({ placements: this.#world.placements.filter((placement) => placement !== gone) });
  }

  /** What the operator sets for the service. */
  set<V extends Json>(property: Property<PropertyType, V>, value: V): Simulation {
    requireSavable(this.#world.manifest, property.ref, value);
    return this.#with({ values: assign(this.#world.values, property, value) });
  }

  /** What the operator sets for one host. */
  override<V extends Json>(host: string, property: Property<PropertyType, V>, value: V): Simulation {
    requireSavable(this.#world.manifest, property.ref, value);
    const values = assign(this.#world.overrides[host] ?? {}, property, value);
    return this.#with({ overrides: { ...this.#world.overrides, [host]: values } });
  }

  /** Exports of another service; those of a service of the stack itself follow from where it is. */
  imports(service: string, exports: Readonly<Record<string, Json>>): Simulation {
    requireImport(this.#world.manifest, service, exports);
    return this.#with({ imports: { ...this.#world.imports, [service]: exports } });
  }

  /** What every host is: processors; memory and disk in bytes. */
  facts(facts: Partial<HostFacts>): Simulation {
    requireFacts(facts);
    return this.#with({ facts: { ...this.#world.facts, ...facts } });
  }

  /** All hosts share one machine, each with a root and a loopback address of its own. */
  local(): Simulation {
    return this.#with({ local: true });
  }

  /**
   * What `host.fetchJson` gets at a path; on one host or every one, at one port or any. Where nothing was said, nothing
   * listens.
   */
  answer(path: string, json: Json, on: string | AnswerPlace = {}): Simulation {
    const { host, port } = typeof on === 'string' ? { host: on } : on;
    requirePath(path);
    const at = port === undefined || typeof port === 'number' ? port : port.ref;
    return this.#with({ answers: [...this.#world.answers, { path, json, host, port: at }] });
  }

  /**
   * Runs a phase as an agent would: what the platform does, and the stack's function.
   * @throws what the function throws; ImpossibleScenarioError for a cluster that cannot be
   */
  async run(component: Component, phase: LifecyclePhase, host: string): Promise<SimulatedResult> {
    const world = this.#world;
    const placement = placementOf(world, component.name, host);
    requirePossible(world, placement);
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
}

function assign(values: ConfigValues, { ref }: Property, value: Json): ConfigValues {
  return { ...values, [ref.config]: { ...values[ref.config], [ref.property]: value } };
}

function lifecycleOf({ stack }: Stack, component: string): NonNullable<Component['options']['lifecycle']> {
  const all = stack.services.flatMap(({ options }) => options.components);
  return all.find(({ name }) => name === component)?.options.lifecycle ?? {};
}
