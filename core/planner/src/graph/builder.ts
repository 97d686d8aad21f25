import type { TaskGraph } from '../plan.ts';

/** While building, join nodes are numbered from here; the number of tasks is not known yet. */
const JOINS = 0x8000_0000;

/**
 * Builds the compressed form of a task graph without an object per node or edge. Tasks get 0, 1, 2 … in the order they
 * are added. Every step is linear in what is added.
 */
export class GraphBuilder {
  #tasks = 0;
  #joins = 0;
  #edges = 0;
  #from: Uint32Array;
  #to: Uint32Array;

  /** `edges`: how many are expected; the builder grows when there are more. */
  constructor(edges = 1024) {
    this.#from = new Uint32Array(Math.max(16, edges));
    this.#to = new Uint32Array(Math.max(16, edges));
  }

  addTask(): number {
    return this.#tasks++;
  }

  /** A node that runs nothing: it is done when all before it are. */
  addJoin(): number {
    return JOINS + this.#joins++;
  }

  /** `to` waits for `from`; both are what addTask or addJoin returned. */
  edge(from: number, to: number): void {
    if (this.#edges === this.#from.length) {
      this.#from = grown(this.#from);
      this.#to = grown(this.#to);
    }
    this.#from[this.#edges] = from;
    this.#to[this.#edges++] = to;
  }

  /** All of `before` precede all of `after`, by N + M edges at most. */
  join(before: readonly number[], after: readonly number[]): void {
    if (before.length * after.length <= before.length + after.length) {
      for (const from of before) for (const to of after) this.edge(from, to);
      return;
    }
    const join = this.addJoin();
    for (const from of before) this.edge(from, join);
    for (const to of after) this.edge(join, to);
  }

  /** The number that a task or join has in the graph, once all tasks are there. */
  nodeOf(node: number): number {
    return node >= JOINS ? node - JOINS + this.#tasks : node;
  }

  /** The graph with every edge once. Not checked for cycles: see topologicalOrder. */
  toGraph(): TaskGraph {
    const tasks = this.#tasks;
    const nodes = tasks + this.#joins;
    const offsets = new Uint32Array(nodes + 1);
    const id = (node: number): number => this.nodeOf(node);
    for (let edge = 0; edge < this.#edges; edge++) offsets[id(this.#from[edge]!) + 1]!++;
    for (let node = 0; node < nodes; node++) offsets[node + 1]! += offsets[node]!;
    const targets = new Uint32Array(this.#edges);
    const next = offsets.slice();
    for (let edge = 0; edge < this.#edges; edge++) targets[next[id(this.#from[edge]!)]!++] = id(this.#to[edge]!);
    return { tasks, nodes, offsets, targets: deduplicated(offsets, targets) };
  }
}

/** Drops repeated successors of a node in place; `offsets` is adapted. */
function deduplicated(offsets: Uint32Array, targets: Uint32Array): Uint32Array {
  const nodes = offsets.length - 1;
  const seenFrom = new Uint32Array(nodes);
  let kept = 0;
  let begin = 0;
  for (let node = 0; node < nodes; node++) {
    const end = offsets[node + 1]!;
    offsets[node] = kept;
    for (let index = begin; index < end; index++) {
      const target = targets[index]!;
      if (seenFrom[target] === node + 1) continue;
      seenFrom[target] = node + 1;
      targets[kept++] = target;
    }
    begin = end;
  }
  offsets[nodes] = kept;
  return kept === targets.length ? targets : targets.slice(0, kept);
}

function grown(array: Uint32Array): Uint32Array {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}
