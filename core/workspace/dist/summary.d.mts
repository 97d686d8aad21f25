export type Row = {
    name: string;
    seconds: number;
    passed: number;
    failed: number;
    skipped: number;
};
/** @typedef {{ name: string, seconds: number, passed: number, failed: number, skipped: number }} Row */
/** @param {number} seconds */
export declare function inSeconds(seconds: number): string;
/** @param {readonly Row[]} rows */
export declare function tableOf(rows: readonly Row[]): string;
/** @param {readonly Row[]} rows */
export declare function closingLine(rows: readonly Row[]): string;
//# sourceMappingURL=summary.d.mts.map