export type Step = {
    name: string;
    /**
     * what `--only` selects
     */
    group: string;
    command: readonly string[];
    /**
     * where it runs, from the root
     */
    folder?: string;
    env?: Record<string, string>;
    limitMinutes: number;
    /**
     * absolute paths; without them the step counts as one test
     */
    reports?: readonly string[];
};
/** @returns {readonly Step[]} */
export declare function stepsOf(): readonly Step[];
/**
 * @param {readonly Step[]} steps
 * @param {{ only?: string | undefined, noE2e?: boolean | undefined }} options
 * @returns {readonly Step[]}
 */
export declare function chooseSteps(steps: readonly Step[], { only, noE2e }: {
    only?: string | undefined;
    noE2e?: boolean | undefined;
}): readonly Step[];
//# sourceMappingURL=steps.d.mts.map