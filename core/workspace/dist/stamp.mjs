// Remembers which package-lock.json the installed node_modules belong to (read by ensure.mjs).
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
const root = new URL('../../', import.meta.url);
export const stampFile = fileURLToPath(new URL('node_modules/.stackyard-stamp', root));
/** The sha256 of package-lock.json, or an empty text when there is none yet. */
export function lockDigest() {
    const lock = new URL('package-lock.json', root);
    return existsSync(lock) ? createHash('sha256').update(readFileSync(lock)).digest('hex') : '';
}
export function writeStamp() {
    if (existsSync(new URL('node_modules/', root)))
        writeFileSync(stampFile, lockDigest());
}
if (process.argv[1] === fileURLToPath(import.meta.url))
    writeStamp();
//# sourceMappingURL=stamp.mjs.map