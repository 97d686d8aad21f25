export declare const stampFile: string;
/** The sha256 of package-lock.json, or an empty text when there is none yet. */
export declare function lockDigest(): string;
export declare function writeStamp(): void;
//# sourceMappingURL=stamp.d.mts.map