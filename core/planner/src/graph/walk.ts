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

/**
 * The progress of a job of which some tasks are done, as after a restart of the server, and the tasks that are ready:
 * not done themselves, everything before them done.
 */
export function resume(graph: TaskGraph, isDone: (task: number) => boolean): { progress: Progress; ready: number[] } {
  const progress: Progress = { graph, waits: predecessorCounts(graph) };
  const ready: number[] = [];
  // Joins that wait for nothing open first: a graph may start with one.
  const open: number[] = [];
  for (let node = 0; node < graph.nodes; node++) if (progress.waits[node] === 0) open.push(node);
  const settle = (node: number): void => {
    if (node < graph.tasks && !isDone(node)) ready.push(node);
    else open.push(node);
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

/** Takes note that a task is done and returns the tasks that became ready by it. Call it once per task. */
export function completed(progress: Progress, task: number): number[] {
  const { graph, waits } = progress;
  const ready: number[] = [];
  const open = [task];
  while (open.length > 0) {
    forEachSuccessor(graph, open.pop()!, (successor) => {
      if (--waits[successor]! > 0) return;
      if (successor < graph.tasks) ready.push(successor);
      else open.push(successor);
    });
  }
  return ready;
}

/** All tasks that wait for one of these, directly or not: what a failure cancels. Ascending, without the given ones. */
export function dependents(graph: TaskGraph, tasks: Iterable<number>): number[] {
  const seen = new Uint8Array(graph.nodes);
  const given = new Set(tasks);
  const open = [...given];
  while (open.length > 0) {
    forEachSuccessor(graph, open.pop()!, (successor) => {
      if (seen[successor] === 1) return;
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
