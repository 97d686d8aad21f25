/** A test describes a cluster that cannot exist. The message is meant for the author of the test. */
export class ImpossibleScenarioError extends Error {
  /** Tells it from other errors. */
  readonly code = 'IMPOSSIBLE_SCENARIO';
  /** As errors have it. */
  override readonly name = 'ImpossibleScenarioError';
  constructor(why: string) {
    super(`This scenario cannot exist: ${why}`);
  }
}

/** Rendered files are not what they were when somebody last looked at them. */
export class GoldenFilesError extends Error {
  readonly code = 'GOLDEN_FILES';
  override readonly name = 'GoldenFilesError';
  readonly golden: string;
  constructor(golden: string, why: string) {
    super(`Golden files ${golden}: ${why}.`);
    this.golden = golden;
  }
}
