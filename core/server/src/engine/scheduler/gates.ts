import type { TaskGraph, Turns } from '@stackyard/planner';
import type { State } from '@stackyard/domain';

/** The joins of a job between one batch and the next. */
export interface Gates {
  has(node: number): boolean;
  /** Whether what failed before it is so little that the next batch may go on. */
  excuses(node: number, states: readonly State[]): boolean;
  /** Whether the job waits for its operator there. */
  pauses(node: number): boolean;
}

export const noGates: Gates = { has: () => false, excuses: () => false, pauses: () => false };

/**
 * Failures are counted per component, and up to a gate: whether it was passed does not depend on what failed behind it
 * later, so that a server that reads the rows anew comes to the same.
 */
export function gatesOf(turns: Turns | undefined, graph: TaskGraph): Gates {
  if (!turns) return noGates;
  const places = new Map(
    turns.sequences.flatMap((sequence) => sequence.map(({ gate }, index) => [gate, { sequence, index }] as const)),
  );
  return {
    has: (node) => places.has(node),
    excuses: (node, states) => {
      const place = places.get(node);
      if (!place || turns.tolerate === 0) return false;
      let failed = 0;
      for (const { tasks, firm = [] } of place.sequence.slice(0, place.index + 1)) {
        for (const task of tasks) if (states[task] === 'FAILED') failed += 1;
        if (firm.some((task) => states[task] === 'FAILED')) return false;
      }
      return failed <= turns.tolerate;
    },
    pauses: (node) => {
      const place = places.get(node);
      // Behind the last one of all there is nothing to wait with.
      return place?.sequence[place.index]?.pauses === true && graph.offsets[node] !== graph.offsets[node + 1];
    },
  };
}
