import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, processesIn, signal } from './world.ts';

const cli = fileURLToPath(new URL('../bin/stackyard.mjs', import.meta.url));

/** `npm run -s demo -- --json`, in a folder and with a port of its own, as often as it is started. */
export class DemoProcess {
  readonly dir: string;
  readonly #port: number;
  #child: ChildProcess | undefined;

  private constructor(dir: string, port: number) {
    this.dir = dir;
    this.#port = port;
  }

  static async prepare(): Promise<DemoProcess> {
    return new DemoProcess(await mkdtemp(join(tmpdir(), 'stackyard-demo-')), await freePort());
  }

  /** Starts the demo and reads what it prints when all is healthy. */
  async start(...more: readonly string[]): Promise<string> {
    const address = `127.${1 + (process.pid % 200)}.250.11`;
    const own = ['--data-dir', this.dir, '--port', String(this.#port), '--address', address];
    const child = spawn(process.execPath, [cli, 'demo', '--json', ...own, '--package-origin', 'maven', ...more], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, XDG_CONFIG_HOME: join(this.dir, 'config') },
    });
    this.#child = child;
    let said = '';
    let output = '';
    child.stderr.on('data', (data: Buffer) => (said += data.toString()));
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (data: Buffer) => {
        output += data.toString();
        if (output.includes('\n')) resolve();
      });
      child.once('exit', (code) => reject(new Error(`The demo ended with ${code}:\n${said}`)));
    });
    return output;
  }

  /** Ctrl-C. @returns pids of what runs although it ended */
  async interrupt(): Promise<number[]> {
    const child = this.#child;
    if (!child) return [];
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    await ended;
    this.#child = undefined;
    return processesIn(this.dir);
  }

  /** Ends and removes all of it, whatever state it is in. */
  async close(): Promise<void> {
    this.#child?.kill('SIGKILL');
    for (const pid of await processesIn(this.dir)) signal(pid, 'SIGKILL');
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
