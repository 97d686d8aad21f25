import type { GraphBuilder } from '../graph/builder.ts';
import { Ordering } from '../graph/ordering.ts';

/** Tasks that are ordered as one: whatever precedes the slot precedes its entries, what follows waits for its exits. */
interface Slot {
  readonly entries: number[];
  readonly exits: number[];
  /** Neighbours in a sequence: who stands in for the slot while it is empty. */
  next?: number;
  previous?: number;
}

/**
 * Order between groups of tasks, turned into edges with one join node per side of a group, so that edges stay linear.
 * An empty slot passes on what it waits for: "c after b after a" holds where b has nothing to do.
 */
export class Slots {
  readonly #slots: Slot[] = [];
  readonly #ordering = new Ordering();
  readonly #strong: (readonly [from: number, to: number])[] = [];

  add(): number {
    this.#slots.push({ entries: [], exits: [] });
    return this.#ordering.addNode();
  }

  /** Slots that each host component goes through one after the other; the edges are its own affair. */
  sequence(slots: readonly number[]): void {
    for (const [index, slot] of slots.entries()) {
      const next = slots[index + 1];
      if (next === undefined) continue;
      this.#slots[slot]!.next = next;
      this.#slots[next]!.previous = slot;
      this.#ordering.add(slot, next);
    }
  }

  /** Says that edges of host components lead from one slot to another, without adding any. */
  leads(from: number, to: number): void {
    this.#ordering.add(from, to);
  }

  put(slot: number, task: number): void {
    this.#slots[slot]!.entries.push(task);
    this.#slots[slot]!.exits.push(task);
  }

  /** Tasks that are ordered among themselves already: what comes first of them, and what last. */
  putOrdered(slot: number, first: readonly number[], last: number): void {
    this.#slots[slot]!.entries.push(...first);
    this.#slots[slot]!.exits.push(last);
  }

  isEmpty(slot: number): boolean {
    return this.#slots[slot]!.entries.length === 0;
  }

  before(from: number, to: number): void {
    if (from === to) return;
    this.#ordering.add(from, to);
    this.#strong.push([from, to]);
  }

  /** For orders that give way to what is said already. */
  beforeUnlessCyclic(from: number, to: number): void {
    if (!this.#ordering.reaches(to, from)) this.before(from, to);
  }

  /** Adds the edges between the tasks of different slots. */
  emit(builder: GraphBuilder): void {
    const filled = this.#slots.flatMap((slot, id) => (slot.entries.length > 0 ? [id] : []));
    const after = this.#ordering.from(filled);
    const before = this.#backward().from(filled);
    const edges = this.#strong.filter(([from, to]) => after.has(from) && before.has(to));
    const emitter = new Emitter(this.#slots, builder, { after, before, waiting: this.#waiting(edges) });
    for (const [from, to] of edges) builder.edge(emitter.out(from), emitter.into(to));
  }

  #backward(): Ordering {
    const turned = new Ordering();
    for (let node = 0; node < this.#ordering.size; node++) turned.addNode();
    for (let node = 0; node < this.#ordering.size; node++) {
      for (const successor of this.#ordering.successors(node)) turned.add(successor, node);
    }
    return turned;
  }

  /** Slots that wait for another one, or stand behind an empty slot that does. */
  #waiting(edges: readonly (readonly [from: number, to: number])[]): Set<number> {
    const waiting = new Set(edges.map(([, to]) => to));
    for (const slot of waiting) {
      const next = this.#slots[slot]!.next;
      if (this.isEmpty(slot) && next !== undefined) waiting.add(next);
    }
    return waiting;
  }
}

interface Live {
  /** Slots with a task at or before them, and at or after them. */
  readonly after: ReadonlySet<number>;
  readonly before: ReadonlySet<number>;
  readonly waiting: ReadonlySet<number>;
}

/** Makes the two ends of each slot once, when they are first needed. */
class Emitter {
  readonly #slots: readonly Slot[];
  readonly #builder: GraphBuilder;
  readonly #live: Live;
  readonly #into = new Map<number, number>();
  readonly #out = new Map<number, number>();

  constructor(slots: readonly Slot[], builder: GraphBuilder, live: Live) {
    this.#slots = slots;
    this.#builder = builder;
    this.#live = live;
  }

  /** The node whose predecessors precede the whole slot. */
  into(slot: number): number {
    const known = this.#into.get(slot);
    if (known !== undefined) return known;
    const { entries, next } = this.#slots[slot]!;
    const node = entries.length === 1 ? entries[0]! : this.#builder.addJoin();
    this.#into.set(slot, node);
    if (entries.length > 1) for (const entry of entries) this.#builder.edge(node, entry);
    if (entries.length === 0 && next !== undefined && this.#live.before.has(next)) {
      this.#builder.edge(node, this.into(next));
    }
    return node;
  }

  /** The node that is done when the whole slot is. */
  out(slot: number): number {
    const known = this.#out.get(slot);
    if (known !== undefined) return known;
    const { exits, previous } = this.#slots[slot]!;
    const node = exits.length === 1 ? exits[0]! : this.#builder.addJoin();
    this.#out.set(slot, node);
    if (exits.length > 1) for (const exit of exits) this.#builder.edge(exit, node);
    if (exits.length === 0) {
      if (this.#live.waiting.has(slot)) this.#builder.edge(this.into(slot), node);
      if (previous !== undefined && this.#live.after.has(previous)) this.#builder.edge(this.out(previous), node);
    }
    return node;
  }
}
