import { CyclicGraphError } from '../errors.ts';
import type { TaskGraph } from '../plan.ts';

/** By node: how many nodes it waits for. */
export function predecessorCounts(graph: TaskGraph): Uint32Array {
  const counts = new Uint32Array(graph.nodes);
  for (let edge = 0; edge < graph.targets.length; edge++) counts[graph.targets[edge]!]!++;
  return counts;
}

/**
 * All nodes, each after those it waits for (Kahn).
 *
 * @throws CyclicGraphError with the nodes of one cycle
 */
export function topologicalOrder(graph: TaskGraph): Uint32Array {
  const { nodes, offsets, targets } = graph;
  const waits = predecessorCounts(graph);
  const order = new Uint32Array(nodes);
  let tail = 0;
  for (let node = 0; node < nodes; node++) if (waits[node] === 0) order[tail++] = node;
  for (let head = 0; head < tail; head++) {
    const node = order[head]!;
    const end = offsets[node + 1]!;
    for (let edge = offsets[node]!; edge < end; edge++) {
      const target = targets[edge]!;
      if (--waits[target]! === 0) order[tail++] = target;
    }
  }
  if (tail < nodes) throw new CyclicGraphError(findCycle(graph) ?? []);
  return order;
}

const NEW = 0;
const OPEN = 1;
const DONE = 2;

/** The nodes of one cycle, the first one repeated at the end; undefined when there is none. */
export function findCycle(graph: TaskGraph): number[] | undefined {
  const { nodes, offsets, targets } = graph;
  const mark = new Uint8Array(nodes);
  const cursor = offsets.slice(0, nodes);
  const path: number[] = [];
  for (let root = 0; root < nodes; root++) {
    if (mark[root] !== NEW) continue;
    path.push(root);
    mark[root] = OPEN;
    while (path.length > 0) {
      const node = path[path.length - 1]!;
      if (cursor[node] === offsets[node + 1]) {
        mark[node] = DONE;
        path.pop();
        continue;
      }
      const target = targets[cursor[node]!++]!;
      if (mark[target] === OPEN) return [...path.slice(path.indexOf(target)), target];
      if (mark[target] === NEW) {
        mark[target] = OPEN;
        path.push(target);
      }
    }
  }
  return undefined;
}
