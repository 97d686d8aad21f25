/** A place in a file of the stack's package. Lines and columns count from 1. */
export interface SourcePlace {
  /** Relative to the package's folder where it lies in it. */
  readonly file: string;
  /** From 1. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
}

/** One thing that is wrong in a stack, and what its author can do about it. */
export interface StackProblem {
  /** A file, or a place in the definition such as `zookeeper/zookeeper_server process.args[0]`. */
  readonly where: string;
  /** What is wrong. */
  readonly reason: string;
  /** What its author can do. */
  readonly remedy: string;
  /** A warning keeps no stack from being built; an error when absent. */
  readonly severity?: 'error' | 'warning';
  /** Where it stands, as far as that is known. */
  readonly at?: SourcePlace;
}

/** Everything found wrong in a stack's definition at once. */
export class StackDefinitionError extends Error {
  /** Tells it from other errors. */
  readonly code = 'STACK_DEFINITION';
  /** As errors have it. */
  override readonly name = 'StackDefinitionError';
  /** Warnings too, where there are any. */
  readonly problems: readonly StackProblem[];
  constructor(problems: readonly StackProblem[]) {
    super(problems.map(problemText).join('\n'));
    this.problems = problems;
  }
}

/** `src/index.ts:34:3: zookeeper zoo.cfg clientPort: its default is 0; it must be at least 1; change the default.` */
export function problemText({ where, reason, remedy, severity, at }: StackProblem): string {
  const place = placeText(at);
  const lead = place === '' || place === where ? where : where === at?.file ? place : `${place}: ${where}`;
  return `${lead}: ${severity === 'warning' ? 'warning: ' : ''}${reason}; ${remedy}.`;
}

/** `src/index.ts:34:3`, as editors and terminals make links of it. */
export function placeText(at: SourcePlace | undefined): string {
  return at ? [at.file, at.line, at.column].filter((part) => part !== undefined).join(':') : '';
}

export function isError({ severity }: StackProblem): boolean {
  return severity !== 'warning';
}
