// Runs one command of a step, with a limit of time, and keeps the end of what it prints.
import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
const root = fileURLToPath(new URL('../../', import.meta.url));
const keptOutput = 400_000;
const graceMs = 10_000;
/** How long the output of a command that ended is waited for: whatever it left behind may hold the pipe for ever. */
const outputMs = 2000;
/** @type {(() => Promise<void>) | undefined} */
let stop;
/** Ends what runs now, with its whole process group. */
export async function stopRunning() {
    await stop?.();
}
/**
 * @param {{ command: readonly string[], folder?: string, env?: Record<string, string>, limitMinutes: number }} step
 * @returns {Promise<{ exitCode: number, output: string, seconds: number, note: string | undefined }>}
 */
export async function run({ command: [program = '', ...args], folder = '.', env = {}, limitMinutes }) {
    const started = performance.now();
    let output = '';
    let note;
    // A group of its own, so that nothing of a step outlives it.
    const child = spawn(program, args, {
        cwd: join(root, folder),
        env: { ...hermeticEnv(), ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
    });
    for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text) => (output = (output + text).slice(-keptOutput)));
    }
    /** @type {Promise<number>} */
    const ended = new Promise((resolve) => {
        child.once('error', (error) => {
            output += `${program} did not start: ${error.message}\n`;
            resolve(127);
        });
        child.once('close', (code) => resolve(code ?? 1));
        child.once('exit', (code) => {
            setTimeout(() => {
                child.stdout.destroy();
                child.stderr.destroy();
                resolve(code ?? 1);
            }, outputMs).unref();
        });
    });
    stop = async () => {
        signalGroup(child.pid, 'SIGTERM');
        const hard = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), graceMs);
        await ended;
        clearTimeout(hard);
    };
    const limit = setTimeout(() => {
        note = `it was ended after its limit of ${limitMinutes} minutes.`;
        void stop?.();
    }, limitMinutes * 60_000);
    const exitCode = await ended;
    clearTimeout(limit);
    stop = undefined;
    return { exitCode: note ? 1 : exitCode, output, seconds: (performance.now() - started) / 1000, note };
}
/** The caller's environment without what would turn the tests towards the caller's own server or database. */
function hermeticEnv() {
    const own = Object.entries(process.env).filter(([name]) => !/^(STACKYARD_|DATABASE_URL$|TEST_)/.test(name));
    const path = [join(root, 'node_modules', '.bin'), process.env['PATH'] ?? ''].join(delimiter);
    return { ...Object.fromEntries(own), PATH: path, NO_COLOR: '1', TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' };
}
/**
 * @param {number | undefined} pid
 * @param {NodeJS.Signals} signal
 */
function signalGroup(pid, signal) {
    if (pid === undefined)
        return;
    try {
        process.kill(-pid, signal);
    }
    catch {
        // It is gone already.
    }
}
//# sourceMappingURL=run.mjs.map