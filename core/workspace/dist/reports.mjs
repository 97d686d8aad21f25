// The JSON reports of vitest: removed before a step, counted after it.
import { existsSync, readFileSync, rmSync } from 'node:fs';
/** @typedef {{ passed: number, failed: number, skipped: number, skippedNames: string[], problems: string[] }} Counts */
/**
 * @typedef {object} Report what vitest writes, as far as it is read here
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {{ name: string, status: string, assertionResults: { status: string, fullName: string }[] }[]} testResults
 */
/** @param {readonly string[]} files */
export function clearReports(files) {
    for (const file of files)
        rmSync(file, { force: true });
}
/**
 * Adds up the reports that must be there. A missing or cut-off one is a failure, because its runner crashed; so is a
 * test file that failed before its first test, which vitest counts as no failed test; and so is a step without tests.
 *
 * @param {readonly string[]} files
 * @returns {Counts}
 */
export function countReports(files) {
    /** @type {Counts} */
    const total = { passed: 0, failed: 0, skipped: 0, skippedNames: [], problems: [] };
    for (const file of files) {
        const report = readReport(file);
        if (typeof report === 'string') {
            total.failed += 1;
            total.problems.push(report);
            continue;
        }
        const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
        const skipped = tests.filter(({ status }) => !['passed', 'failed'].includes(status));
        const notLoaded = report.testResults.filter(({ status, assertionResults }) => status === 'failed' && !assertionResults.some((result) => result.status === 'failed'));
        total.passed += report.numPassedTests;
        total.failed += report.numFailedTests + notLoaded.length;
        total.skipped += skipped.length;
        total.skippedNames.push(...skipped.map(({ fullName }) => fullName));
        total.problems.push(...notLoaded.map(({ name }) => `${name} failed outside its tests.`));
    }
    if (total.passed + total.failed === 0) {
        total.failed += 1;
        total.problems.push('no test ran.');
    }
    return total;
}
/**
 * @param {string} file
 * @returns {Report | string} the report, or a sentence why there is none
 */
function readReport(file) {
    if (!existsSync(file))
        return `${file} was not written, so its test runner crashed or never started.`;
    try {
        return JSON.parse(readFileSync(file, 'utf8'));
    }
    catch {
        return `${file} is cut off, so its test runner crashed.`;
    }
}
//# sourceMappingURL=reports.mjs.map