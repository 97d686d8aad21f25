/** One workspace package, as far as the rules need it. */
export interface WorkspacePackage {
    readonly folder: string;
    readonly name: string;
    readonly kind?: string | undefined;
    readonly exports: readonly string[];
    readonly dependencies: readonly string[];
    readonly devDependencies: readonly string[];
}
/** One source file and what it imports; the path starts at the root of the repository. */
export interface SourceFile {
    readonly path: string;
    readonly imports: readonly string[];
}
/** Every broken rule of layers and imports, as one sentence each. */
export declare function violations(files: readonly SourceFile[], packages: readonly WorkspacePackage[]): readonly string[];
//# sourceMappingURL=layers.d.ts.map