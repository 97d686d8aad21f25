import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Component, LifecyclePhase } from '../define/component.ts';
import type { Host } from '../define/host.ts';
import type { PortProperty, Property, PropertyType } from '../define/expression.ts';
import type { Stack } from '../define/service.ts';
import { toManifest } from '../define/toManifest.ts';
import type { Json } from '../manifest/expression.ts';
import type { ConfigValues, HostFacts } from '../manifest/inputs.ts';
import type { StackManifest } from '../manifest/manifest.ts';
import { type ActionInput, actionInputOf, checkActionInput, checkActionInputOn } from '../render/actionInput.ts';
import { type ProcessCommand, processCommand } from '../render/process.ts';
import { type Effects, renderedFiles, simulatedHost } from './effects.ts';
import { ImpossibleScenarioError } from './errors.ts';
import {
  brokenRules,
  requireFacts,
  requireHostNames,
  requireImport,
  requirePath,
  requirePossible,
  requireProfile,
  requireSavable,
} from './possible.ts';
import { definitionOf, inputsOf, instanceOf, type Placement, placementOf, type World } from './world.ts';

/** What a phase left behind on its host, and the cluster after it. */
export interface SimulatedResult {
  /** Every file on the host by path. */
  readonly files: Readonly<Record<string, string>>;
  /** The component's process, while it runs. */
  readonly process: ProcessCommand | undefined;
  /** Programs and scripts that were run, in order. */
  readonly programs: readonly { readonly program: string; readonly args: readonly string[] }[];
  /** What functions have logged. */
  readonly log: readonly string[];
  /** The cluster afterwards. */
  readonly next: Simulation;
}

/** Where something answers. */
export interface AnswerPlace {
  /** Every host when absent. */
  readonly host?: string;
  /** A port of the stack, by its property or its number. */
  readonly port?: PortProperty | number;
}

/** What an action did. */
export interface SimulatedAction extends SimulatedResult {
  /** What the action gave back; null where it gave nothing. */
  readonly result: Json;
}

type Work = (host: Host) => Promise<void> | void;

/** Where a simulation finds what is not in the definition. */
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
    prints: [],
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

  /** The stack as data. */
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

  /** Every file on a host, by path. */
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

  /** The operator takes the services of the stack by a profile; those that have none of that name stay as they are. */
  profile(name: string): Simulation {
    const chosen = requireProfile(this.#world.manifest, name);
    const given = chosen.flatMap(({ values }) =>
      Object.entries(values).map(([config, own]) => [config, { ...this.#world.values[config], ...own }] as const),
    );
    return this.#with({ values: { ...this.#world.values, ...Object.fromEntries(given) } });
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

  /** Sentences of the rules that this cluster breaks: a plan for it would be refused with them. */
  broken(): readonly string[] {
    return brokenRules(this.#world);
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
   * What `host.run` gets from a program whose command line has this text in it: what it prints, or how it fails. Where
   * nothing was said, it prints nothing.
   */
  prints(program: string, said: string | Error): Simulation {
    return this.#with({ prints: [...this.#world.prints, { program, said }] });
  }

  /**
   * Runs a phase as an agent would: what the platform does, and the stack's function.
   * @throws what the function throws; ImpossibleScenarioError for a cluster that cannot be
   */
  async run(component: Component, phase: LifecyclePhase, host: string): Promise<SimulatedResult> {
    const { definition, id, inputs, service } = this.#sceneOf(component, host);
    const timeoutMs = (definition.timeouts[phase] ?? 600) * 1000;
    const processes = { ...this.#world.processes };
    const command = processCommand({ service, component: definition, inputs });
    if (phase === 'start' && command) processes[id] = command;
    if (phase === 'stop' || phase === 'remove') delete processes[id];
    const own = optionsOf(this.#stack, component.name).lifecycle?.[phase];
    const writes = phase === 'configure';
    return this.#with({ processes }).#perform(component, host, { timeoutMs, writes, work: (it) => own?.(it) });
  }

  /**
   * Runs an action with what an operator gives; on the lowest ordinal, or on a host. What it gives back is `result`.
   * @throws what the function throws; ImpossibleScenarioError for an input that would be refused
   */
  async action(component: Component, name: string, given: ActionInput = {}, host?: string): Promise<SimulatedAction> {
    const where = host ?? this.#first(component).host;
    const { definition, inputs, service } = this.#sceneOf(component, where);
    const action = definition.actions?.find((each) => each.name === name);
    const run = optionsOf(this.#stack, component.name).actions?.[name]?.run;
    if (!action || !run) throw new ImpossibleScenarioError(`${component.name} has no action ${name}.`);
    const scene = { service, action, inputs, given };
    const first = checkActionInput(action, given)[0] ?? checkActionInputOn(scene)[0];
    if (first) throw new ImpossibleScenarioError(`an operator could not run it: ${first.message}`);
    let result: Json = null;
    const work = async (it: Host): Promise<void> => {
      result = (await run(it, actionInputOf(scene))) ?? null;
    };
    const timeoutMs = action.timeout * 1000;
    const done = await this.#perform(component, where, { timeoutMs, writes: false, work });
    return { ...done, result };
  }

  /**
   * Empties the component on a host: it is leaving from then on (`next` too), who empties it gets its files anew, and the
   * stack's function runs there.
   */
  async decommission(component: Component, host: string): Promise<SimulatedResult> {
    return this.#drain(component, host, { leaving: true });
  }

  /** Takes the component on a host in again. */
  async recommission(component: Component, host: string): Promise<SimulatedResult> {
    return this.#drain(component, host, { leaving: false });
  }

  #drain(component: Component, host: string, { leaving }: { readonly leaving: boolean }): Promise<SimulatedResult> {
    const { decommission } = optionsOf(this.#stack, component.name);
    if (!decommission) throw new ImpossibleScenarioError(`${component.name} declares no decommission.`);
    const before = placementOf(this.#world, component.name, host);
    if (!leaving && !before.leaving) throw new ImpossibleScenarioError(`${component.name} on ${host} is not leaving.`);
    const { leaving: _, ...staying } = before;
    const after: Placement = leaving ? { ...staying, leaving } : staying;
    const placements = this.#world.placements.map((each) => (each === before ? after : each));
    const marked = this.#with({ placements });
    if (!placements.some((each) => each.component === component.name && !each.leaving)) {
      throw new ImpossibleScenarioError(`no ${component.name} would stay to take over.`);
    }
    const by = decommission.by ?? component;
    const where = decommission.by ? marked.#first(by).host : host;
    const own = leaving ? decommission.drain : decommission.undo;
    const work = (it: Host) => own?.(it, [instanceOf(marked.#world, after)]);
    return marked.#perform(by, where, { timeoutMs: (decommission.timeout ?? 3600) * 1000, writes: true, work });
  }

  #first({ name }: Component): Placement {
    const own = this.#world.placements.filter((placement) => placement.component === name);
    const [first] = own.toSorted((a, b) => a.ordinal - b.ordinal);
    return first ?? placementOf(this.#world, name, 'any host');
  }

  #sceneOf({ name }: Component, host: string) {
    const placement = placementOf(this.#world, name, host);
    requirePossible(this.#world, placement);
    const { service, component: definition } = definitionOf(this.#world.manifest, name);
    return { service, definition, inputs: inputsOf(this.#world, placement), id: `${host} ${service.name}/${name}` };
  }

  async #perform(
    component: Component,
    host: string,
    { timeoutMs, writes, work }: { readonly timeoutMs: number; readonly writes: boolean; readonly work: Work },
  ): Promise<SimulatedResult> {
    const world = this.#world;
    const { service, definition, inputs, id } = this.#sceneOf(component, host);
    const scene = { world, service, component: definition, inputs, timeoutMs };
    const effects: Effects = { files: { ...world.files[host] }, programs: [], log: [], once: [...world.once] };
    if (writes) Object.assign(effects.files, renderedFiles(scene, []));
    await work(simulatedHost(scene, effects));
    const { files, programs, log, once } = effects;
    const next = this.#with({ once, files: { ...world.files, [host]: files } });
    return { files, process: world.processes[id], programs, log, next };
  }

  #with(changes: Partial<World>): Simulation {
    return new Simulation(this.#stack, { ...this.#world, ...changes });
  }
}

function assign(values: ConfigValues, { ref }: Property, value: Json): ConfigValues {
  return { ...values, [ref.config]: { ...values[ref.config], [ref.property]: value } };
}

function optionsOf({ stack }: Stack, component: string): Partial<Component['options']> {
  const all = stack.services.flatMap(({ options }) => options.components);
  return all.find(({ name }) => name === component)?.options ?? {};
}
