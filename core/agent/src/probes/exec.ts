import { type ChildProcess, spawn } from 'node:child_process';
import { basename } from 'node:path';
import type { Writable } from 'node:stream';
import type { ResolvedProbe } from '@stackyard/sdk/render';
import { commandLine, dropsRights, exportsOf, fixedEnvironment, type ProcessSpec } from '../processes/spec.ts';
import type { Answer } from './probe.ts';

export type ExecProbe = Extract<ResolvedProbe, { kind: 'exec' }>;

const VARIABLES_FD = 3;
const TAIL_BYTES = 2_048;
/** How long output is waited for that somebody in another group holds. */
const HELD_MS = 200;
/** Of the agent's environment. The cookie of a task is among it, by which its processes are found. */
const PASSED = ['PATH', 'LANG', 'TZ', 'STACKYARD_ATTEMPT'] as const;

/**
 * Runs a probe's program to its end, without a shell and as the service's user. What is still there when the time is up
 * is killed with all it started. Arguments and variables may hold what nobody is to read: no message names them.
 */
export function runExecProbe(probe: ExecProbe, user: string | undefined): Promise<Answer> {
  const name = basename(probe.program);
  return new Promise((resolve) => {
    const child = launch(probe, user);
    let tail = Buffer.alloc(0);
    const keep = (chunk: Buffer): void => {
      tail = Buffer.concat([tail, chunk]).subarray(-TAIL_BYTES);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    const answer = (ok: boolean, what: string): void => {
      clearTimeout(timer);
      child.stdout?.destroy();
      child.stderr?.destroy();
      const said = tail.toString('utf8').trim();
      resolve({ ok, message: said === '' ? what : `${what} ${ok ? 'It says' : 'Its output ends with'}: ${said}` });
    };
    const timer = setTimeout(() => {
      endGroup(child);
      answer(false, `${name} did not end within ${probe.timeoutMs} ms.`);
    }, probe.timeoutMs);
    child.on('error', (error) => answer(false, `${name} could not be run: ${error.message}.`));
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      // What it left behind is of no use to anybody, and would hold the output.
      endGroup(child);
      const done = (): void =>
        answer(code === 0, signal ? `${name} was ended by ${signal}.` : `${name} ended with ${code ?? 'no code'}.`);
      const held = setTimeout(done, HELD_MS);
      child.on('close', () => {
        clearTimeout(held);
        done();
      });
    });
  });
}

/** In a group of its own. As somebody else it takes its variables in itself, after the agent's rights are gone. */
function launch({ program, args, env }: ExecProbe, user: string | undefined): ChildProcess {
  const passed: Record<string, string> = {};
  for (const each of PASSED) {
    const value = process.env[each];
    if (value !== undefined) passed[each] = value;
  }
  const spec: ProcessSpec = {
    program,
    args,
    env: { ...passed, ...env },
    cwd: '/',
    logFile: '/dev/null',
    ...(user ? { user } : {}),
  };
  const options = { cwd: '/', detached: true } as const;
  if (!dropsRights(spec)) {
    return spawn(program, args, { ...options, env: spec.env, stdio: ['ignore', 'pipe', 'pipe'] });
  }
  const [file, ...rest] = commandLine(spec, VARIABLES_FD);
  const cookie = passed['STACKYARD_ATTEMPT'];
  const first = { ...fixedEnvironment, ...(cookie ? { STACKYARD_ATTEMPT: cookie } : {}) };
  const child = spawn(file, rest, { ...options, env: first, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const variables = child.stdio[VARIABLES_FD] as Writable;
  // It may end before it has read them; then its exit tells.
  variables.on('error', () => undefined);
  variables.end(exportsOf(spec.env));
  return child;
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // all of it has ended
  }
}

interface Known {
  readonly at: number;
  readonly answer: Promise<Answer>;
  isRunning: boolean;
  /** It is said of a process that has ended since. */
  isStale: boolean;
}

/**
 * Keeps the programs of probes from being run more often than every `intervalMs`, and from being run beside themselves:
 * who asks in between gets the last answer, or the one that is under way.
 */
export class ExecProbes {
  readonly #known = new Map<string, Known>();
  readonly #intervalMs: number;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  async ask(probe: ExecProbe, user: string | undefined): Promise<Answer> {
    const key = JSON.stringify([probe, user]);
    for (let known = this.#known.get(key); known; known = this.#known.get(key)) {
      const isYoung = known.isRunning || performance.now() - known.at < this.#intervalMs;
      if (isYoung && !known.isStale) return known.answer;
      if (!known.isRunning) break;
      await known.answer;
    }
    const answer = runExecProbe(probe, user);
    const next = { at: performance.now(), answer, isRunning: true, isStale: false };
    this.#known.set(key, next);
    void answer.finally(() => (next.isRunning = false));
    return answer;
  }

  /** The process is another one: what was said of the one before counts no more. */
  forget(): void {
    for (const known of this.#known.values()) known.isStale = true;
  }
}
