/** A test describes a cluster that cannot exist. The message is meant for the author of the test. */
export class ImpossibleScenarioError extends Error {
  readonly code = 'IMPOSSIBLE_SCENARIO';
  override readonly name = 'ImpossibleScenarioError';
  constructor(why: string) {
    super(`This scenario cannot exist: ${why}`);
  }
}
