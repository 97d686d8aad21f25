/** A small directed graph that can be asked whether one node comes before another while it is being built. */
export class Ordering {
  readonly #successors: number[][] = [];
  readonly #known = new Set<string>();

  get size(): number {
    return this.#successors.length;
  }

  addNode(): number {
    return this.#successors.push([]) - 1;
  }

  successors(node: number): readonly number[] {
    return this.#successors[node] ?? [];
  }

  /** `from` comes before `to`, whether that makes a cycle or not. */
  add(from: number, to: number): void {
    const key = `${from} ${to}`;
    if (from === to || this.#known.has(key)) return;
    this.#known.add(key);
    this.#successors[from]!.push(to);
  }

  reaches(from: number, to: number): boolean {
    const seen = new Set([from]);
    const open = [from];
    while (open.length > 0) {
      const node = open.pop()!;
      if (node === to) return true;
      for (const successor of this.successors(node)) {
        if (!seen.has(successor)) {
          seen.add(successor);
          open.push(successor);
        }
      }
    }
    return false;
  }

  /** Nodes that one of these comes before, these included. */
  from(nodes: Iterable<number>): Set<number> {
    const seen = new Set(nodes);
    for (const node of seen) for (const successor of this.successors(node)) seen.add(successor);
    return seen;
  }
}
