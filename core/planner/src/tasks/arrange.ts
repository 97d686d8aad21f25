import type { Phase } from '@stackyard/domain';
import { GraphBuilder } from '../graph/builder.ts';
import { type Metadata, serviceNode, STEPS, stepNode } from '../metadata.ts';
import { plannedTask } from '../phases.ts';
import type { Rolling } from '../command.ts';
import type { Batch, PlannedTask, TaskGraph, Turns } from '../plan.ts';
import { Slots } from './slots.ts';
import { batchSize, inTurn } from './turns.ts';
import type { Work } from './work.ts';

/** Where the tasks of one component go, by what they are ordered with. */
interface ComponentSlots {
  readonly install: number;
  readonly configure: number;
  readonly init: number;
  /** Starts of members, before those of fresh ones: who holds the data comes up first. */
  readonly again: number;
  /** Members that read their files again, before fresh ones come that these tell of. */
  readonly reload: number;
  readonly start: number;
  readonly prepare: number;
  readonly check: number;
  /** Stops, in the mirrored order. */
  readonly stop: number;
  /** Members that take turns: from the first one's configure or stop to the last one's check. */
  readonly turns: number;
}

export interface Arranged {
  readonly tasks: readonly PlannedTask[];
  readonly graph: TaskGraph;
  readonly turns?: Turns | undefined;
}

/** What the operator asked of turns, with the ids of the hosts that go first. */
export type TurnRules = Rolling & { readonly first: readonly string[] };

/**
 * The task DAG of what was chosen. Each host component goes through its phases in sequence; between host components
 * only the metadata's order holds, no stage waits for another:
 *
 * - forwards for install … check, mirrored for stops (stop is the reverse of start), and a component's stops before its
 *   starts, so that a full restart is all down, then all up;
 * - members that take turns are one unit in the forward order, and never all down;
 * - members are left alone until the fresh ones are installed and configured. Where the members that take turns are more
 *   than the fresh ones, these start and are checked first: they find a majority to join, and a member that restarts
 *   with the longer list finds one too. Where they are not, the members restart first and the last one's check waits for
 *   the fresh ones: one member with data cannot be outvoted by two without, and is not asked for a quorum it cannot have;
 * - removes come after all stops.
 *
 * An order that would contradict one further up gives way: a check inside a unit does not wait for what itself waits for
 * the unit, nor a configure for the start that follows from it.
 *
 * An upgrade installs everywhere before it stops anything, and changes files only of what is stopped. Where the operator
 * says how turns are taken, a join node stands between one batch and the next: the scheduler may open it although some
 * before it failed, or keep it closed until somebody agrees.
 */
export function arrange(works: readonly Work[], metadata: Metadata, rules?: TurnRules): Arranged {
  const arrangement = new Arrangement(metadata, works.length, rules);
  // Who empties others may have been configured before: its tasks are numbered in the order they run in.
  const [last, first] = [works.filter(isDrain), works.filter((work) => !isDrain(work))];
  for (const some of [first, last]) {
    for (const group of grouped(some, metadata)) arrangement.put(group.component, group.works);
  }
  return arrangement.finish();
}

function isDrain({ phases }: Work): boolean {
  return phases[0] === 'decommission' || phases[0] === 'recommission';
}

/** Works by component in the metadata's order, each by ordinal: tasks are numbered the same way every time. */
function grouped(works: readonly Work[], { components }: Metadata): { component: number; works: Work[] }[] {
  const index = new Map(components.map(({ service, manifest }, c) => [`${service}/${manifest.name}`, c]));
  const groups = components.map((_, component) => ({ component, works: [] as Work[] }));
  for (const work of works) {
    const { service, component } = work.hostComponent;
    groups[index.get(`${service}/${component}`)!]!.works.push(work);
  }
  for (const group of groups) group.works.sort((a, b) => a.hostComponent.ordinal - b.hostComponent.ordinal);
  return groups.filter((group) => group.works.length > 0);
}

class Arrangement {
  readonly #metadata: Metadata;
  readonly #tasks: PlannedTask[] = [];
  readonly #builder: GraphBuilder;
  readonly #slots = new Slots();
  readonly #components: readonly ComponentSlots[];
  /** By node of the metadata: its slot mirrored. */
  readonly #mirror: number[] = [];
  /** By service: the slot that stands for "it can be used". */
  readonly #usable: number[] = [];
  readonly #removals: number;
  #remove: number | undefined;
  #actions: number | undefined;
  /** Host components are emptied once everybody has heard that they leave. */
  #drains: number | undefined;
  readonly #rules: TurnRules | undefined;
  readonly #sequences: Batch[][] = [];

  constructor(metadata: Metadata, works: number, rules?: TurnRules) {
    this.#rules = rules;
    this.#metadata = metadata;
    this.#builder = new GraphBuilder(works * 16);
    this.#components = metadata.components.map((_, c) => this.#addComponent(c));
    for (const s of metadata.services.keys()) {
      this.#usable[s] = this.#slots.add();
      this.#mirror[serviceNode(metadata, s)] = this.#slots.add();
    }
    this.#removals = this.#slots.add();
  }

  #addComponent(c: number): ComponentSlots {
    const slots = this.#slots;
    const steps = {
      install: slots.add(),
      configure: slots.add(),
      init: slots.add(),
      again: slots.add(),
      reload: slots.add(),
      start: slots.add(),
      prepare: slots.add(),
      check: slots.add(),
    };
    slots.sequence(Object.values(steps));
    const mirrored = STEPS.toReversed().map((step) => {
      const slot = slots.add();
      this.#mirror[stepNode(c, step)] = slot;
      return slot;
    });
    slots.sequence(mirrored);
    return { ...steps, stop: this.#mirror[stepNode(c, 'start')]!, turns: slots.add() };
  }

  /** Adds the tasks of one component, with the edges inside each host component and between those that take turns. */
  put(component: number, works: readonly Work[]): void {
    const slots = this.#components[component]!;
    const starting = works.filter(({ role, phases }) => role === 'fresh' && phases.includes('start')).length;
    const someStart = starting > 0;
    const turns = works.filter(({ chained }) => chained);
    const joinFirst = turns.length > starting;
    for (const work of works) if (!work.chained) this.#putSingle(slots, work, someStart);
    this.#putTurns(slots, turns, someStart && !joinFirst);
    if (someStart) this.#orderMembers(slots, joinFirst);
    const upgrade = works.some(({ leaves }) => leaves !== undefined);
    if (upgrade) this.#installFirst(slots);
    if (this.#slots.isEmpty(slots.stop)) return;
    if (upgrade) this.#slots.leads(slots.stop, slots.configure);
    else this.#slots.leads(slots.configure, slots.stop);
    for (const starts of [slots.again, slots.start]) {
      if (!this.#slots.isEmpty(starts)) this.#slots.before(slots.stop, starts);
    }
  }

  /** A package that cannot be fetched or unpacked is no reason to stop anything. */
  #installFirst({ install, stop, turns }: ComponentSlots): void {
    if (!this.#slots.isEmpty(stop)) this.#slots.before(install, stop);
    if (this.#slots.isEmpty(turns)) return;
    // The gate of the installs stands between, where there is one.
    if (this.#rules) this.#slots.leads(install, turns);
    else this.#slots.before(install, turns);
  }

  /** Members and fresh ones of one component. Only where there are members: a plain add has no stages. */
  #orderMembers({ configure, stop, again, reload, turns, start, check }: ComponentSlots, joinFirst: boolean): void {
    if (!this.#slots.isEmpty(reload)) this.#slots.before(reload, start);
    for (const members of [stop, reload, turns])
      if (!this.#slots.isEmpty(members)) this.#slots.before(configure, members);
    if (joinFirst) {
      this.#slots.before(start, turns);
      this.#slots.before(check, turns);
      if (!this.#slots.isEmpty(again)) this.#slots.before(again, start);
      return;
    }
    for (const members of [again, turns]) if (!this.#slots.isEmpty(members)) this.#slots.before(members, start);
    if (!this.#slots.isEmpty(turns)) this.#slots.before(turns, check);
  }

  #putSingle(slots: ComponentSlots, work: Work, someStart: boolean): void {
    const ids = this.#chain(work);
    for (const [index, phase] of work.phases.entries()) {
      const again = phase === 'start' && work.role === 'member' && someStart;
      this.#slots.put(this.#slotOf(slots, again ? 'again' : phase), ids[index]!);
    }
    if (work.role === 'leaving' && work.phases.includes('stop')) this.#slots.before(slots.stop, this.#removals);
  }

  #putTurns(slots: ComponentSlots, works: readonly Work[], lastWaits: boolean): void {
    if (works.length === 0) return;
    const ordered = inTurn(works, this.#rules?.first ?? []);
    const chains = ordered.map((work) => {
      const ids = this.#chain(work);
      const begin = work.leaves ? 1 : 0;
      if (begin === 1) this.#slots.put(slots.install, ids[0]!);
      return { installs: ids.slice(0, begin), turn: ids.slice(begin) };
    });
    if (this.#rules) return this.#putBatches(slots, chains, this.#rules);
    const last = chains.at(-1)!.turn;
    // Its check, with what follows from it, waits for those that are fresh.
    const waiting = ordered.at(-1)!.phases.includes('settle') ? 2 : 1;
    const deferred = lastWaits && ordered.at(-1)!.phases.at(-waiting) === 'check' ? waiting : 0;
    for (const [index, { turn }] of chains.entries()) {
      const next = chains[index + 1];
      if (next) this.#builder.edge(turn.at(-1)!, next.turn[0]!);
    }
    this.#slots.putOrdered(slots.turns, [chains[0]!.turn[0]!], last.at(-1 - deferred)!);
    if (deferred > 0) this.#slots.putOrdered(slots.check, [last.at(-deferred)!], last.at(-1)!);
  }

  /** Batches with a gate behind each, and one behind the installs of all. */
  #putBatches(
    slots: ComponentSlots,
    chains: readonly { readonly installs: readonly number[]; readonly turn: readonly number[] }[],
    rules: TurnRules,
  ): void {
    const sequence: Batch[] = [];
    const close = (tasks: readonly number[], tails: readonly number[], pauses: boolean): number => {
      const gate = this.#builder.addJoin();
      for (const tail of tails) this.#builder.edge(tail, gate);
      const firm = tasks.filter((task) => this.#tasks[task]!.phase === 'settle');
      sequence.push({ tasks, gate, pauses, ...(firm.length > 0 ? { firm } : {}) });
      return gate;
    };
    const installs = chains.flatMap((chain) => chain.installs);
    let gate = installs.length > 0 ? close(installs, installs, false) : undefined;
    const size = batchSize(rules, chains.length);
    for (let from = 0; from < chains.length; from += size) {
      const batch = chains.slice(from, from + size).map(({ turn }) => turn);
      if (gate !== undefined) for (const [head] of batch) this.#builder.edge(gate, head!);
      const tails = batch.map((turn) => turn.at(-1)!);
      gate = close(batch.flat(), tails, from === 0 && rules.pauseAfterFirst === true);
    }
    const heads = chains.slice(0, size).map(({ turn }) => turn[0]!);
    this.#slots.putOrdered(slots.turns, heads, gate!);
    this.#sequences.push(sequence);
  }

  /** The tasks of one host component, one after the other. */
  #chain({ hostComponent, component, phases, data, terms, leaves }: Work): number[] {
    let previous: number | undefined;
    return phases.map((phase) => {
      const task = this.#builder.addTask();
      const definition = phase === 'stop' ? (leaves ?? component) : component;
      this.#tasks.push(plannedTask(hostComponent, definition, phase, phase === 'remove' ? { data } : (terms ?? {})));
      if (previous !== undefined) this.#builder.edge(previous, task);
      previous = task;
      return task;
    });
  }

  #slotOf(slots: ComponentSlots, phase: Phase | 'again'): number {
    if (phase === 'remove') return this.#removeSlot();
    if (phase === 'action') return (this.#actions ??= this.#slots.add());
    if (phase === 'decommission' || phase === 'recommission') return (this.#drains ??= this.#slots.add());
    return slots[phase === 'settle' ? 'check' : phase];
  }

  #removeSlot(): number {
    if (this.#remove === undefined) {
      this.#remove = this.#slots.add();
      this.#slots.before(this.#removals, this.#remove);
    }
    return this.#remove;
  }

  /** Orders the slots by the metadata and gives the graph. */
  finish(): Arranged {
    const slots = this.#slots;
    for (const [from, to] of this.#metadata.edges) slots.before(this.#mirror[to]!, this.#mirror[from]!);
    if (this.#remove !== undefined) for (const { turns } of this.#components) slots.before(this.#removals, turns);
    if (this.#drains !== undefined) this.#drainLast(this.#drains);
    this.#orderTurns();
    for (const { before, after } of this.#forwardEdges()) slots.beforeUnlessCyclic(before, after);
    for (const [from, to] of this.#metadata.edges) this.#stopLate(from, to);
    slots.emit(this.#builder);
    const graph = this.#builder.toGraph();
    if (!this.#rules) return { tasks: this.#tasks, graph };
    const sequences = this.#sequences.map((sequence) =>
      sequence.map((batch) => ({ ...batch, gate: this.#builder.nodeOf(batch.gate) })),
    );
    return { tasks: this.#tasks, graph, turns: { tolerate: this.#rules.tolerate ?? 0, sequences } };
  }

  /** Turns of one component after those of another, also where its starts come first. */
  #orderTurns(): void {
    const { components } = this.#metadata;
    for (const [c, { service, manifest }] of components.entries()) {
      const other = components.findIndex(
        (each) => each.service === service && each.manifest.name === manifest.turnsAfter,
      );
      const [before, after] = [this.#components[other]?.turns, this.#components[c]!.turns];
      if (before === undefined || this.#slots.isEmpty(before) || this.#slots.isEmpty(after)) continue;
      this.#slots.before(before, after);
    }
  }

  #drainLast(drains: number): void {
    for (const slots of this.#components.flatMap((component) => Object.values<number>({ ...component }))) {
      if (!this.#slots.isEmpty(slots)) this.#slots.before(slots, drains);
    }
  }

  /** The metadata's order between slots, the firmest first: what leads into the midst of turns gives way soonest. */
  #forwardEdges(): { readonly before: number; readonly after: number; readonly firmness: number }[] {
    const turns = new Set(this.#components.map((component) => component.turns));
    return this.#metadata.edges
      .flatMap(([from, to]) =>
        this.#forward(from).flatMap((before) =>
          this.#forward(to).map((after) => {
            const isServiceNode = to >= serviceNode(this.#metadata, 0);
            const late = !isServiceNode && to % STEPS.length > STEPS.indexOf('start');
            const firmness = turns.has(after) && late ? 0 : turns.has(after) || turns.has(before) ? 1 : 2;
            return { before, after, firmness };
          }),
        ),
      )
      .toSorted((a, b) => b.firmness - a.firmness);
  }

  /** What a component takes turns for is never down, so its dependents stop only after the turns, if they must. */
  #stopLate(from: number, to: number): void {
    const component = this.#components[Math.floor(to / STEPS.length)];
    const step = STEPS[to % STEPS.length];
    if (!component || (step !== 'init' && step !== 'start') || this.#slots.isEmpty(component.stop)) return;
    for (const slot of this.#forward(from)) this.#slots.beforeUnlessCyclic(slot, component.stop);
  }

  /** The slots that hold what a node of the metadata stands for. Those that take turns do all but the install there. */
  #forward(node: number): readonly number[] {
    const component = this.#components[Math.floor(node / STEPS.length)];
    if (!component) return [this.#usable[node - serviceNode(this.#metadata, 0)]!];
    const step = STEPS[node % STEPS.length]!;
    const also =
      step === 'install'
        ? []
        : step === 'start'
          ? [component.again, component.reload, component.turns]
          : [component.turns];
    return [component[step], ...also.filter((slot) => !this.#slots.isEmpty(slot))];
  }
}
