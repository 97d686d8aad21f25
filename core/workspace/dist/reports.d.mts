export type Counts = {
    passed: number;
    failed: number;
    skipped: number;
    skippedNames: string[];
    problems: string[];
};
export type Report = {
    numPassedTests: number;
    numFailedTests: number;
    testResults: {
        name: string;
        status: string;
        assertionResults: {
            status: string;
            fullName: string;
        }[];
    }[];
};
/** @typedef {{ passed: number, failed: number, skipped: number, skippedNames: string[], problems: string[] }} Counts */
/**
 * @typedef {object} Report what vitest writes, as far as it is read here
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {{ name: string, status: string, assertionResults: { status: string, fullName: string }[] }[]} testResults
 */
/** @param {readonly string[]} files */
export declare function clearReports(files: readonly string[]): void;
/**
 * Adds up the reports that must be there. A missing or cut-off one is a failure, because its runner crashed; so is a
 * test file that failed before its first test, which vitest counts as no failed test; and so is a step without tests.
 *
 * @param {readonly string[]} files
 * @returns {Counts}
 */
export declare function countReports(files: readonly string[]): Counts;
//# sourceMappingURL=reports.d.mts.map