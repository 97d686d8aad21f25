import type { TaskGraph } from '../plan.ts';
import { predecessorCounts } from './order.ts';

/** Calls `visit` with every node that waits for `node`, join nodes included. */
export function forEachSuccessor(graph: TaskGraph, node: number, visit: (successor: number) => void): void {
  const end = graph.offsets[node + 1]!;
  for (let edge = graph.offsets[node]!; edge < end; edge++) visit(graph.targets[edge]!);
}

/**
 * What a scheduler keeps of a running job: by node, how many predecessors are not done. Join nodes are passed through
 * on the way, so callers see tasks only.
 */
export interface Progress {
  readonly graph: TaskGraph;
  readonly waits: Uint32Array;
}

/** Joins that are no mere sum of what is before them. */
export interface Joins {
  /** Nothing goes on behind it, although all before it is done. */
  readonly isHeld?: (join: number) => boolean;
  /** It does not wait for this task, which came to nothing. */
  readonly isExcused?: (task: number, join: number) => boolean;
}

/**
 * The progress of a job of which some tasks are done, as after a restart of the server, and the tasks that are ready:
 * not done themselves, everything before them done.
 */
export function resume(
  graph: TaskGraph,
  isDone: (task: number) => boolean,
  { isHeld, isExcused }: Joins = {},
): { progress: Progress; ready: number[] } {
  const progress: Progress = { graph, waits: predecessorCounts(graph) };
  for (let task = 0; isExcused && task < graph.tasks; task++) {
    forEachSuccessor(graph, task, (join) => {
      if (join >= graph.tasks && isExcused(task, join)) progress.waits[join]! -= 1;
    });
  }
  const ready: number[] = [];
  // Joins that wait for nothing open first: a graph may start with one.
  const open: number[] = [];
  for (let node = 0; node < graph.nodes; node++) if (progress.waits[node] === 0) open.push(node);
  const settle = (node: number): void => {
    if (node < graph.tasks ? !isDone(node) : isHeld?.(node)) {
      if (node < graph.tasks) ready.push(node);
    } else open.push(node);
  };
  const roots = open.splice(0);
  for (const root of roots) settle(root);
  while (open.length > 0) {
    forEachSuccessor(graph, open.pop()!, (successor) => {
      if (--progress.waits[successor]! === 0) settle(successor);
    });
  }
  return { progress, ready };
}

/**
 * Takes note that a task is done, or that a join need not be held any longer, and returns the tasks that became ready by
 * it. Call it once per node.
 */
export function completed(progress: Progress, node: number, isHeld: (join: number) => boolean = () => false): number[] {
  const { graph, waits } = progress;
  const ready: number[] = [];
  const open = [node];
  while (open.length > 0) {
    forEachSuccessor(graph, open.pop()!, (successor) => {
      if (--waits[successor]! > 0) return;
      if (successor < graph.tasks) ready.push(successor);
      else if (!isHeld(successor)) open.push(successor);
    });
  }
  return ready;
}

/** One that a join waits for is not done and need not be. Returns whether the join waits for nothing any more. */
export function excused({ waits }: Progress, join: number): boolean {
  return --waits[join]! === 0;
}

/**
 * All tasks that wait for one of these, directly or not: what a failure cancels. Ascending, without the given ones.
 * Nothing behind a join that is `spared` counts.
 */
export function dependents(
  graph: TaskGraph,
  tasks: Iterable<number>,
  spared: (join: number) => boolean = () => false,
): number[] {
  const seen = new Uint8Array(graph.nodes);
  const given = new Set(tasks);
  const open = [...given];
  while (open.length > 0) {
    forEachSuccessor(graph, open.pop()!, (successor) => {
      if (seen[successor] === 1 || (successor >= graph.tasks && spared(successor))) return;
      seen[successor] = 1;
      open.push(successor);
    });
  }
  const found: number[] = [];
  for (let task = 0; task < graph.tasks; task++) if (seen[task] === 1 && !given.has(task)) found.push(task);
  return found;
}

/** The same graph with every edge turned: successors become predecessors. */
export function reversed(graph: TaskGraph): TaskGraph {
  const offsets = new Uint32Array(graph.nodes + 1);
  for (let edge = 0; edge < graph.targets.length; edge++) offsets[graph.targets[edge]! + 1]!++;
  for (let node = 0; node < graph.nodes; node++) offsets[node + 1]! += offsets[node]!;
  const next = offsets.slice();
  const targets = new Uint32Array(graph.targets.length);
  for (let node = 0; node < graph.nodes; node++) {
    forEachSuccessor(graph, node, (successor) => (targets[next[successor]!++] = node));
  }
  return { tasks: graph.tasks, nodes: graph.nodes, offsets, targets };
}
