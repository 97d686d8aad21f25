import type { Notice } from './plan.ts';

/** A command that cannot be planned, with everything that is wrong with it at once. */
export class PlanRefusedError extends Error {
  readonly code = 'PLAN_REFUSED';
  readonly problems: readonly Notice[];

  constructor(problems: readonly Notice[]) {
    super(problems.map((problem) => problem.message).join(' '));
    this.name = 'PlanRefusedError';
    this.problems = problems;
  }
}

/** A task graph that waits for itself. Plans of checked manifests never do: this is a defect or a foreign graph. */
export class CyclicGraphError extends Error {
  readonly code = 'CYCLIC_GRAPH';
  readonly cycle: readonly number[];

  constructor(cycle: readonly number[]) {
    super(`The task graph waits for itself: ${cycle.join(' → ')}. Check the "after" dependencies of the stack.`);
    this.name = 'CyclicGraphError';
    this.cycle = cycle;
  }
}

/** Bytes that are no task graph. */
export class GraphFormatError extends Error {
  readonly code = 'GRAPH_FORMAT';

  constructor(what: string) {
    super(`The stored task graph cannot be read: ${what}. Plan the command again.`);
    this.name = 'GraphFormatError';
  }
}
