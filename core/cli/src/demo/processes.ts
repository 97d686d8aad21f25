import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync, closeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../errors.ts';
import { type Identity, identityOf, isAlive } from './identity.ts';

/** How a program of the demo is started. */
export interface Program {
  /** For sentences: "the server". */
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What it prints goes here. */
  readonly logFile: string;
  /** Its identity, for the next start after this process was killed. */
  readonly pidFile: string;
}

/** A program in a process group of its own, so that Ctrl-C on the terminal does not reach it. */
export class Running {
  readonly program: Program;
  readonly #child: ChildProcess;
  readonly ended: Promise<string>;
  #stopping = false;

  constructor(program: Program) {
    this.program = program;
    mkdirSync(dirname(program.logFile), { recursive: true, mode: 0o700 });
    const log = openSync(program.logFile, 'a', 0o600);
    try {
      this.#child = spawn(program.file, [...program.args], {
        detached: true,
        stdio: ['ignore', 'pipe', log],
        env: program.env,
      });
    } finally {
      closeSync(log);
    }
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(error.message));
      this.#child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    const identity = this.#child.pid === undefined ? undefined : identityOf(this.#child.pid);
    if (identity) writeFileSync(program.pidFile, `${JSON.stringify(identity)}\n`, { mode: 0o600 });
  }

  /** Whether its end is one that was asked for. */
  get stopping(): boolean {
    return this.#stopping;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The first line that it prints. @throws CliError with the end of its log when it ends before */
  async firstLine(): Promise<string> {
    const { stdout } = this.#child;
    if (!stdout) throw new CliError(`${this.program.name} has no output.`);
    const reader = createInterface({ input: stdout });
    const line = await Promise.race([
      new Promise<string>((resolve) => reader.once('line', resolve)),
      this.ended.then(() => undefined),
    ]);
    if (line === undefined) throw await this.#failure();
    return line;
  }

  async #failure(): Promise<CliError> {
    const text = await readFile(this.program.logFile, 'utf8').catch(() => '');
    const said = text
      .split('\n')
      .filter((line) => line.startsWith('✗ '))
      .at(-1);
    const why = said?.slice(2) ?? `it ended with ${await this.ended}`;
    return new CliError(
      said === undefined
        ? `${capital(this.program.name)} did not start: ${why}. Its log is ${this.program.logFile}.`
        : why,
    );
  }

  /** Asks it to end, and makes it after a while. */
  async stop({
    graceMs,
    signal = 'SIGTERM',
  }: {
    readonly graceMs: number;
    readonly signal?: NodeJS.Signals;
  }): Promise<void> {
    this.#stopping = true;
    this.#child.kill(signal);
    const inTime = await Promise.race([this.ended.then(() => true), delay(graceMs, false, { ref: false })]);
    if (!inTime) this.#child.kill('SIGKILL');
    await this.ended;
    rmSync(this.program.pidFile, { force: true });
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Ends what an earlier demo left running under a pid file. @returns whether there was something */
export async function endLeftover(pidFile: string, graceMs: number): Promise<boolean> {
  const identity = readIdentity(pidFile);
  if (!identity || !isAlive(identity)) return false;
  process.kill(identity.pid, 'SIGTERM');
  if (!(await gone(identity, graceMs))) {
    process.kill(identity.pid, 'SIGKILL');
    await gone(identity, 5_000);
  }
  rmSync(pidFile, { force: true });
  return true;
}

/** It is not our child, so its end can only be looked for. */
async function gone(identity: Identity, withinMs: number): Promise<boolean> {
  for (const until = Date.now() + withinMs; Date.now() < until; await delay(50)) if (!isAlive(identity)) return true;
  return !isAlive(identity);
}

export function readIdentity(file: string): Identity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Identity;
  } catch {
    return undefined;
  }
}
