import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CyclicGraphError, GraphFormatError } from '../errors.ts';
import type { TaskGraph } from '../plan.ts';
import { GraphBuilder } from './builder.ts';
import { decodeGraph, encodeGraph } from './codec.ts';
import { findCycle, predecessorCounts, topologicalOrder } from './order.ts';
import { completed, dependents, resume, reversed } from './walk.ts';

function graphOf(tasks: number, edges: readonly (readonly [number, number])[]): TaskGraph {
  const builder = new GraphBuilder();
  for (let task = 0; task < tasks; task++) builder.addTask();
  for (const [from, to] of edges) builder.edge(from, to);
  return builder.toGraph();
}

/** A random DAG: edges lead from lower to higher tasks, some through joins. */
const dag = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat()), { maxLength: 30 }))
  .map(([tasks, draws]) => {
    const builder = new GraphBuilder();
    for (let task = 0; task < tasks; task++) builder.addTask();
    for (const [a, b, c, d] of draws) {
      const middle = 1 + (a % tasks);
      const low = Array.from({ length: Math.min(middle, 1 + (b % 4)) }, (_, i) => middle - 1 - i);
      const high = Array.from({ length: 1 + (c % 4) }, (_, i) => middle + i).filter((task) => task < tasks);
      if (d % 2 === 0) builder.join(low, high);
      else if (high[0] !== undefined) builder.edge(low[0]!, high[0]);
    }
    return builder.toGraph();
  });

test('all of many before all of many costs one join and N + M edges', () => {
  const builder = new GraphBuilder(2);
  const tasks = Array.from({ length: 200 }, () => builder.addTask());
  builder.join(tasks.slice(0, 100), tasks.slice(100));
  const graph = builder.toGraph();
  expect(graph.nodes).toBe(201);
  expect(graph.targets.length).toBe(200);
});

test('an edge added twice counts once', () => {
  const graph = graphOf(2, [[0, 1], [0, 1]]); // prettier-ignore
  expect([...predecessorCounts(graph)]).toEqual([0, 1]);
});

test('a topological order puts every node after what it waits for', () => {
  fc.assert(
    fc.property(dag, (graph) => {
      const position = new Uint32Array(graph.nodes);
      for (const [index, node] of topologicalOrder(graph).entries()) position[node] = index;
      for (let node = 0; node < graph.nodes; node++) {
        for (let edge = graph.offsets[node]!; edge < graph.offsets[node + 1]!; edge++) {
          expect(position[node]!).toBeLessThan(position[graph.targets[edge]!]!);
        }
      }
      expect(findCycle(graph)).toBeUndefined();
    }),
  );
});

test('a cycle is found with its nodes', () => {
  const graph = graphOf(4, [[0, 1], [1, 2], [2, 3], [3, 1]]); // prettier-ignore
  expect(findCycle(graph)).toEqual([1, 2, 3, 1]);
  expect(() => topologicalOrder(graph)).toThrow(CyclicGraphError);
});

test('bytes hold the whole graph', () => {
  fc.assert(
    fc.property(dag, (graph) => {
      expect(decodeGraph(encodeGraph(graph))).toEqual(graph);
    }),
  );
});

test('bytes from a database column are read wherever they lie in memory', () => {
  const graph = graphOf(3, [[0, 2], [1, 2]]); // prettier-ignore
  const buffer = Buffer.concat([Buffer.from('x'), encodeGraph(graph)]);
  expect(decodeGraph(buffer.subarray(1))).toEqual(graph);
});

test('bytes that are no graph are refused', () => {
  const bytes = encodeGraph(graphOf(2, [[0, 1]]));
  for (const broken of [bytes.subarray(0, 8), bytes.subarray(1), bytes.subarray(0, -4), new Uint8Array(16)]) {
    expect(() => decodeGraph(broken)).toThrow(GraphFormatError);
  }
});

describe('a scheduler', () => {
  test('runs every task once, and none before those it waits for', () => {
    fc.assert(
      fc.property(dag, fc.infiniteStream(fc.nat()), (graph, picks) => {
        const { progress, ready } = resume(graph, () => false);
        const done = new Set<number>();
        const before = ancestors(graph);
        while (ready.length > 0) {
          const [task] = ready.splice(picks.next().value! % ready.length, 1);
          for (const earlier of before[task!]!) if (earlier < graph.tasks) expect(done.has(earlier)).toBe(true);
          expect(done.has(task!)).toBe(false);
          done.add(task!);
          ready.push(...completed(progress, task!));
        }
        expect(done.size).toBe(graph.tasks);
      }),
    );
  });

  test('resumes from what is done as if it had never stopped', () => {
    fc.assert(
      fc.property(dag, fc.nat(), (graph, steps) => {
        const { progress, ready } = resume(graph, () => false);
        const done = new Set<number>();
        for (let step = 0; step < steps % (graph.tasks + 1) && ready.length > 0; step++) {
          const task = ready.shift()!;
          done.add(task);
          ready.push(...completed(progress, task));
        }
        const again = resume(graph, (task) => done.has(task));
        expect(again.ready.toSorted((a, b) => a - b)).toEqual(ready.toSorted((a, b) => a - b));
        for (let task = 0; task < graph.tasks; task++) {
          expect(again.progress.waits[task]).toBe(progress.waits[task]);
        }
      }),
    );
  });

  test('knows what a failure cancels', () => {
    fc.assert(
      fc.property(dag, fc.nat(), (graph, pick) => {
        const failed = pick % graph.tasks;
        const before = ancestors(graph);
        const expected = Array.from({ length: graph.tasks }, (_, task) => task).filter((task) =>
          before[task]!.has(failed),
        );
        expect(dependents(graph, [failed])).toEqual(expected);
      }),
    );
  });

  test('finds predecessors in the turned graph', () => {
    const graph = graphOf(3, [[0, 2], [1, 2]]); // prettier-ignore
    const turned = reversed(graph);
    expect([...turned.targets.subarray(turned.offsets[2], turned.offsets[3])]).toEqual([0, 1]);
    expect(reversed(turned)).toEqual(graph);
  });
});

/** By node: every node it waits for, directly or not. */
function ancestors(graph: TaskGraph): Set<number>[] {
  const found = Array.from({ length: graph.nodes }, () => new Set<number>());
  for (const node of topologicalOrder(graph)) {
    for (let edge = graph.offsets[node]!; edge < graph.offsets[node + 1]!; edge++) {
      const target = found[graph.targets[edge]!]!;
      target.add(node);
      for (const earlier of found[node]!) target.add(earlier);
    }
  }
  return found;
}
