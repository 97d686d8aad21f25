// The table and the closing line of a test run.
/** @typedef {{ name: string, seconds: number, passed: number, failed: number, skipped: number }} Row */
/** @param {number} seconds */
export function inSeconds(seconds) {
    return seconds < 120 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
/** @param {readonly Row[]} rows */
export function tableOf(rows) {
    const cells = rows.map(({ name, seconds, ...counts }) => [
        name,
        inSeconds(seconds),
        ...[counts.passed, counts.failed, counts.skipped].map(String),
    ]);
    const all = [['step', 'time', 'passed', 'failed', 'skipped'], ...cells];
    const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
    return all
        .map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))))
        .map((row) => row.join('  '))
        .join('\n');
}
/** @param {readonly Row[]} rows */
export function closingLine(rows) {
    /** @param {'passed' | 'failed' | 'skipped'} key */
    const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
    const skipped = sum('skipped');
    return `${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
//# sourceMappingURL=summary.mjs.map