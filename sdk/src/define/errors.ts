/** One thing that is wrong in a stack, and what its author can do about it. */
export interface StackProblem {
  /** A file, or a place in the definition such as `zookeeper/zookeeper_server process.args[0]`. */
  readonly where: string;
  readonly reason: string;
  readonly remedy: string;
}

/** Everything found wrong in a stack's definition at once. */
export class StackDefinitionError extends Error {
  readonly code = 'STACK_DEFINITION';
  override readonly name = 'StackDefinitionError';
  readonly problems: readonly StackProblem[];
  constructor(problems: readonly StackProblem[]) {
    super(problems.map(({ where, reason, remedy }) => `${where}: ${reason}; ${remedy}.`).join('\n'));
    this.problems = problems;
  }
}
