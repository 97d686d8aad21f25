/** Cycles of a directed graph, as paths that end where they began: at least one of each knot, and no node twice over. */
export function findCycles<N>(nodes: Iterable<N>, next: (node: N) => Iterable<N>): readonly (readonly N[])[] {
  const cycles: N[][] = [];
  const reported = new Set<N>();
  const done = new Set<N>();
  const path: N[] = [];

  function visit(node: N): void {
    const start = path.indexOf(node);
    if (start >= 0) {
      const cycle = path.slice(start);
      if (!cycle.some((member) => reported.has(member))) cycles.push([...cycle, node]);
      for (const member of cycle) reported.add(member);
      return;
    }
    if (done.has(node)) return;
    path.push(node);
    for (const target of next(node)) visit(target);
    path.pop();
    done.add(node);
  }
  for (const node of nodes) visit(node);
  return cycles;
}

/**
 * The nodes of an acyclic graph, each after what it needs, otherwise in their own order. What it would merely `like`
 * to come after is honoured where that contradicts nothing.
 */
export function order<N>(nodes: readonly N[], needs: (node: N) => Iterable<N>, likes: (node: N) => Iterable<N>): N[] {
  const before = new Map(nodes.map((node) => [node, new Set(needs(node))]));
  function reaches(from: N, to: N, seen = new Set<N>()): boolean {
    if (from === to) return true;
    if (seen.has(from)) return false;
    seen.add(from);
    return [...(before.get(from) ?? [])].some((step) => reaches(step, to, seen));
  }
  for (const node of nodes) {
    for (const wish of likes(node)) if (!reaches(wish, node)) before.get(node)?.add(wish);
  }
  const ordered = new Set<N>();
  function visit(node: N): void {
    if (ordered.has(node)) return;
    for (const earlier of before.get(node) ?? []) visit(earlier);
    ordered.add(node);
  }
  for (const node of nodes) visit(node);
  return [...ordered];
}
