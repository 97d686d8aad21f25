export type Step = import('./steps.mjs').Step;
export type Counts = import('./reports.mjs').Counts;
export type Result = Counts & {
    name: string;
    seconds: number;
};
//# sourceMappingURL=test.d.mts.map