// Runs before `npm run demo`, `npm test` and `npm run bench`: installs what package-lock.json names when
// node_modules does not match it. Plain JavaScript without dependencies, because it runs on the Node that
// the machine has, before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { lockDigest, stampFile, writeStamp } from './stamp.mjs';
const root = fileURLToPath(new URL('../../', import.meta.url));
const installed = existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : '';
if (installed !== lockDigest()) {
    const npm = process.env.npm_execpath;
    if (!npm)
        fail('Run this through npm: `npm run demo` or `npm test`.');
    process.stderr.write('Installing what package-lock.json names (once per change of it) …\n');
    const args = [npm, 'ci', '--no-audit', '--no-fund', '--loglevel=error'];
    // npm's own notes go to stderr: `npm run -s demo -- --json` promises one line on stdout.
    const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] });
    if (status !== 0)
        fail('npm ci failed. See its message above; a proxy or registry setting is the usual cause.');
    writeStamp();
}
/**
 * @param {string} sentence
 * @returns {never}
 */
function fail(sentence) {
    process.stderr.write(`${sentence}\n`);
    process.exit(1);
}
//# sourceMappingURL=ensure.mjs.map