// What `npm test` runs: every step, also after one that failed, then one table and one closing line
// `N passed, N failed`. A step that is no test run counts as one. It changes nothing outside the checkout.
//   npm test -- --only unit,e2e      some steps
//   npm test -- --no-e2e             all but the end-to-end runs
//   npm run e2e                      the end-to-end runs and the long ones, which nothing else runs
import { parseArgs } from 'node:util';
import { clearReports, countReports } from './reports.mjs';
import { run, stopRunning } from './run.mjs';
import { chooseSteps, stepsOf } from './steps.mjs';
import { closingLine, inSeconds, tableOf } from './summary.mjs';

/** @typedef {import('./steps.mjs').Step} Step */
/** @typedef {import('./reports.mjs').Counts} Counts */
/** @typedef {Counts & { name: string, seconds: number }} Result */

let interrupted = false;
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    interrupted = true;
    void stopRunning();
  });
}

/** @type {Result[]} */
const results = [];
for (const step of chosen() ?? process.exit(2)) {
  process.stdout.write(`${step.name} … `);
  const { result, output } = await runStep(step);
  if (interrupted) {
    // No closing line: what did not run to its end says nothing.
    process.stdout.write('interrupted\n');
    process.exit(130);
  }
  process.stdout.write(`${result.failed > 0 ? 'FAILED' : 'ok'}, ${inSeconds(result.seconds)}\n`);
  if (result.failed > 0) process.stdout.write(`${output.trimEnd()}\n`);
  for (const problem of result.problems) process.stdout.write(`${step.name}: ${problem}\n`);
  results.push(result);
}
process.stdout.write(`\n${tableOf(results)}\n`);
for (const name of results.flatMap(({ skippedNames }) => skippedNames)) process.stdout.write(`skipped: ${name}\n`);
process.stdout.write(`\n${closingLine(results)}\n`);
process.exitCode = results.some(({ failed }) => failed > 0) || results.every(({ passed }) => passed === 0) ? 1 : 0;

/** @returns {readonly Step[] | undefined} */
function chosen() {
  try {
    const { values } = parseArgs({ options: { only: { type: 'string' }, 'no-e2e': { type: 'boolean' } } });
    return chooseSteps(stepsOf(), { only: values.only, noE2e: values['no-e2e'] });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
}

/**
 * @param {Step} step
 * @returns {Promise<{ result: Result, output: string }>}
 */
async function runStep(step) {
  const { reports } = step;
  // What an earlier run left must never be counted.
  if (reports) clearReports(reports);
  const { exitCode, output, seconds, note } = await run(step);
  const counts = reports
    ? countReports(reports)
    : { passed: exitCode === 0 ? 1 : 0, failed: exitCode === 0 ? 0 : 1, skipped: 0, skippedNames: [], problems: [] };
  const problems = [...counts.problems, ...(note ? [note] : [])];
  let { failed } = counts;
  if (exitCode !== 0 && failed === 0) {
    failed = 1;
    problems.push(`it ended with exit code ${exitCode}, though no test is reported as failed.`);
  }
  return { result: { ...counts, failed, problems, name: step.name, seconds }, output };
}
