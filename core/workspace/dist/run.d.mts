/** Ends what runs now, with its whole process group. */
export declare function stopRunning(): Promise<void>;
/**
 * @param {{ command: readonly string[], folder?: string, env?: Record<string, string>, limitMinutes: number }} step
 * @returns {Promise<{ exitCode: number, output: string, seconds: number, note: string | undefined }>}
 */
export declare function run({ command: [program, ...args], folder, env, limitMinutes }: {
    command: readonly string[];
    folder?: string;
    env?: Record<string, string>;
    limitMinutes: number;
}): Promise<{
    exitCode: number;
    output: string;
    seconds: number;
    note: string | undefined;
}>;
//# sourceMappingURL=run.d.mts.map