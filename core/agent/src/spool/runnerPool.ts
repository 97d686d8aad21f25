import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attemptGroup, removeGroup, sweepGroups } from '../processes/cgroups.ts';
import { isMachineBusy } from '../processes/contention.ts';
import {
  type AgentTells,
  type Assignment,
  attemptCookie,
  type Code,
  outputFile,
  pipeFd,
  type Rehearsing,
  type RunnerSays,
} from './job.ts';
import { lookAgainMs } from './quietMoment.ts';
import { newCookie } from './strays.ts';

export interface RunnerPoolOptions {
  /** The spool's directory: warm runners live below it, since their output moves into an attempt's directory. */
  readonly spoolDir: string;
  /** How many runners are kept ready while there is work; 2 unless told. */
  readonly warm?: number;
  /** Without work for this long all idle runners go; 60 s unless told. */
  readonly idleMs?: number;
  /** How long after the end of an attempt the pool is filled again, so as not to compete with the next start; 100 ms. */
  readonly refillMs?: number;
  /** Whether more threads could run than so many for each core, one unless told. The machine tells unless given. */
  readonly isBusy?: (perCore?: number) => boolean;
  /** The module whose `rehearse` a runner calls while it waits for work. */
  readonly rehearses?: string;
  /** Added to the few variables a runner inherits. */
  readonly env?: Readonly<Record<string, string>>;
  /** The command line of a runner, without its directory; unless given, of the module beside this one. */
  readonly command?: readonly string[];
}

/** A runner of this agent: warm until `assign`, then it belongs to its attempt. */
export interface Runner {
  readonly pid: number | undefined;
  readonly cookie: string;
  /** What it is to do. It decides nothing before `release`, and ends when this process does. */
  assign(assignment: Assignment): void;
  /** From here on it needs nobody. */
  release(): void;
  /** Sends it away; only before its release. */
  dismiss(): void;
  /** Called with every word of the runner, those said before included. */
  onSay(listener: (said: RunnerSays) => void): void;
  /** Called once, when the process is gone; with the reason when it could not be started. */
  onGone(listener: (code: number | null, signal: NodeJS.Signals | null, failure?: Error) => void): void;
}

interface WarmRunner extends Runner {
  /** The digest of the code it has loaded; it runs no other. */
  readonly code: string | undefined;
  /** How many tasks with other code went to other runners. */
  passedOver: number;
  readonly pipe: Socket | undefined;
  /** It was released and has not told its end: it needs nobody any more. */
  readonly isAtWork: boolean;
  rehearse(what: Rehearsing): void;
  readonly child: ChildProcess;
}

const inherited = ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'JAVA_HOME'];
/** So many threads for each core, and a start that nobody waits for yet only makes all of them later. */
const crowded = 4;
/** A machine that is always busy has to get its runners too. */
const shortMs = 3_000;
const abandonedAfterMs = 60_000;
/** Then the code that a runner has loaded is not what is in use any more. */
const passedOverAtMost = 3;
/** A runner that was sent away ends when it has read so; one that does not is killed. */
const leaveMs = 10_000;

/** Keeps runner processes started ahead while there is work. Each runs one attempt and is never used again. */
export class RunnerPool {
  readonly #options: Required<Omit<RunnerPoolOptions, 'rehearses'>> & RunnerPoolOptions;
  readonly #idle: WarmRunner[] = [];
  readonly #busy = new Set<WarmRunner>();
  /** All whose processes are there. */
  readonly #living = new Set<WarmRunner>();
  #idleTimer: NodeJS.Timeout | undefined;
  #refillTimer: NodeJS.Timeout | undefined;
  /** Since when there are too few. */
  #shortSince: number | undefined;
  /** Of the latest task that came to its end: most often the next one has the same, and loading it can be done. */
  #code: Code | undefined;
  #closed = false;

  constructor(options: RunnerPoolOptions) {
    const defaults = { warm: 2, idleMs: 60_000, refillMs: 100, isBusy: isMachineBusy, env: {} };
    this.#options = { ...defaults, command: runnerCommand(), ...options };
    mkdirSync(this.#warmRoot, { recursive: true, mode: 0o700 });
    this.#sweep();
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  /** There is work or soon will be: have at least so many runners ready, and keep all for the idle time from now. */
  warmUp(runners: number): void {
    if (this.#closed) return;
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.#release(), this.#options.idleMs).unref();
    while (this.#idle.length < runners) this.#idle.push(this.#spawn({ ahead: true }));
  }

  /** A runner for one attempt: a warm one, if there is one that has loaded this code or none, else one that is just being started. */
  take(code?: Code): Runner {
    const warm = this.#warm(code?.digest);
    // Nobody is left for the next task: start one beside this task where there is a core for it.
    if (warm && this.#idle.length === 0 && this.#busy.size < availableParallelism() - 1) {
      setImmediate(() => this.#replace());
    }
    const runner = warm ?? this.#spawn({ ahead: false });
    this.#busy.add(runner);
    clearTimeout(this.#idleTimer);
    const hasEnded = (): void => {
      if (this.#busy.delete(runner)) this.#refillSoon();
    };
    runner.onSay(({ say }) => {
      if (say !== 'done') return;
      this.#code = code;
      // It may stay a while, but takes no core any more.
      hasEnded();
    });
    runner.onGone(hasEnded);
    return runner;
  }

  #warm(code: string | undefined): WarmRunner | undefined {
    const idle = this.#idle;
    const runner = idle.find((each) => each.code === code) ?? idle.find((each) => each.code === undefined);
    if (runner) idle.splice(idle.indexOf(runner), 1);
    for (const other of idle) if (other.code !== undefined && other.code !== code) other.passedOver += 1;
    for (const other of idle.filter(({ passedOver }) => passedOver >= passedOverAtMost)) {
      idle.splice(idle.indexOf(other), 1);
      letGo(other);
    }
    return runner;
  }

  #replace(): void {
    if (this.#closed || this.#idle.length > 0) return;
    if (this.#options.isBusy(crowded)) return this.#refillSoon();
    this.#idle.push(this.#spawn({ ahead: true }));
  }

  /**
   * Lets go whoever is not at work, also one that is just being started or gives way after its task, and waits for it: then
   * nothing but those at work is left, and they carry on without us.
   */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idleTimer);
    clearTimeout(this.#refillTimer);
    const taken = [...this.#living].filter((runner) => !this.#idle.includes(runner));
    this.#release();
    for (const { child, pipe, isAtWork } of taken) {
      child.unref();
      pipe?.destroy();
      // One that gives way hears of nothing else.
      if (!isAtWork) child.kill();
    }
    await Promise.all([...this.#living].filter(({ isAtWork }) => !isAtWork).map(untilGone));
  }

  get #warmRoot(): string {
    return join(this.#options.spoolDir, 'warm');
  }

  /** A start takes a core for a tenth of a second: after a burst, not within it, and not while others wait for a core. */
  #refillSoon(): void {
    this.#shortSince ??= performance.now();
    this.#refillAfter(this.#options.refillMs);
  }

  #refillAfter(ms: number): void {
    clearTimeout(this.#refillTimer);
    if (!this.#closed) this.#refillTimer = setTimeout(() => this.#refill(), ms).unref();
  }

  /** One at a time: whether there is a core for the next one is seen when this one has started. */
  #refill(): void {
    const { warm, refillMs, isBusy } = this.#options;
    const waitedMs = performance.now() - (this.#shortSince ?? 0);
    const againMs = lookAgainMs({ waitedMs, longestMs: shortMs, busy: isBusy(), random: Math.random() });
    if (againMs !== undefined) return this.#refillAfter(againMs);
    this.warmUp(Math.min(warm, this.#idle.length + 1));
    const isShort = this.#idle.length < warm;
    this.#shortSince = isShort ? performance.now() : undefined;
    if (isShort) this.#refillAfter(refillMs);
  }

  #release(): void {
    for (const runner of this.#idle.splice(0)) letGo(runner);
    sweepGroups();
  }

  #spawn({ ahead }: { readonly ahead: boolean }): WarmRunner {
    const { rehearses: module } = this.#options;
    const rehearsal = ahead && module !== undefined ? { module, code: this.#codeToLoad() } : undefined;
    const cookie = newCookie(this.#options.spoolDir);
    const dir = join(this.#warmRoot, cookie);
    mkdirSync(dir, { mode: 0o700 });
    const output = openSync(join(dir, outputFile), 'a', 0o600);
    const [program, ...args] = this.#options.command;
    const group = attemptGroup(this.#options.spoolDir, cookie);
    const child = spawn(program!, [...args, dir, ...group], {
      detached: true,
      cwd: this.#options.spoolDir,
      stdio: ['ignore', output, output, 'pipe'],
      env: { ...inheritedEnvironment(), ...this.#options.env, [attemptCookie]: cookie },
    });
    closeSync(output);
    const runner = follow(child, { cookie, code: rehearsal?.code?.digest });
    this.#living.add(runner);
    runner.onGone(() => {
      this.#living.delete(runner);
      const index = this.#idle.indexOf(runner);
      if (index >= 0) this.#idle.splice(index, 1);
      rmSync(dir, { recursive: true, force: true });
      // What a successful attempt left running keeps it; a later sweep looks again.
      removeGroup(group);
    });
    if (rehearsal) runner.rehearse(rehearsal);
    // An idle agent may end; what is idle ends with it.
    child.unref();
    runner.pipe?.unref();
    return runner;
  }

  /** One of those that wait has loaded code, the others can run any. */
  #codeToLoad(): Code | undefined {
    return this.#idle.some(({ code }) => code !== undefined) ? undefined : this.#code;
  }

  /** Cgroups and directories of runners that were killed. A fresh one may belong to a runner that an agent before us has just assigned. */
  #sweep(): void {
    sweepGroups();
    for (const name of readdirSync(this.#warmRoot)) {
      const dir = join(this.#warmRoot, name);
      // A runner that the agent before us let go removes its own meanwhile.
      const { mtimeMs = Infinity } = statSync(dir, { throwIfNoEntry: false }) ?? {};
      if (Date.now() - mtimeMs > abandonedAfterMs) rmSync(dir, { recursive: true, force: true });
    }
  }
}

/** Sends it away; code that it has loaded may keep it from hearing that. */
function letGo(runner: WarmRunner): void {
  runner.dismiss();
  const limit = setTimeout(() => runner.child.kill('SIGKILL'), leaveMs).unref();
  runner.onGone(() => clearTimeout(limit));
}

function untilGone(runner: WarmRunner): Promise<void> {
  const { child, pipe } = runner;
  child.ref();
  pipe?.ref();
  const limit = setTimeout(() => child.kill('SIGKILL'), leaveMs);
  return new Promise((resolve) =>
    runner.onGone(() => {
      clearTimeout(limit);
      resolve();
    }),
  );
}

function follow(child: ChildProcess, { cookie, code }: Pick<WarmRunner, 'cookie' | 'code'>): WarmRunner {
  const pipe = child.stdio[pipeFd] as Socket | undefined;
  const said: RunnerSays[] = [];
  const sayListeners: ((said: RunnerSays) => void)[] = [];
  const tell = (what: AgentTells): void => void pipe?.write(`${JSON.stringify(what)}\n`);
  const goneListeners: Parameters<Runner['onGone']>[0][] = [];
  let gone: Parameters<Parameters<Runner['onGone']>[0]> | undefined;
  let text = '';
  let isAtWork = false;
  function go(...how: NonNullable<typeof gone>): void {
    if (gone) return;
    gone = how;
    for (const listener of goneListeners) listener(...how);
  }
  pipe?.setEncoding('utf8');
  pipe?.on('data', (chunk: string) => {
    const lines = (text + chunk).split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      const word = JSON.parse(line) as RunnerSays;
      said.push(word);
      if (word.say === 'done') isAtWork = false;
      for (const listener of sayListeners) listener(word);
    }
  });
  pipe?.on('error', () => undefined); // it died: `exit` tells
  child.on('error', (error) => go(null, null, error));
  // `close`, not `exit`: by then everything it said has been read.
  child.on('close', (code, signal) => go(code, signal));
  return {
    child,
    pipe,
    pid: child.pid,
    cookie,
    code,
    passedOver: 0,
    assign(assignment) {
      tell({ assign: assignment });
      pipe?.ref();
      child.ref();
    },
    rehearse: (what) => tell({ rehearse: what }),
    get isAtWork() {
      return isAtWork;
    },
    release() {
      isAtWork = true;
      tell({ release: true });
    },
    dismiss: () => void pipe?.end(),
    onSay(listener) {
      said.forEach(listener);
      sayListeners.push(listener);
    },
    onGone: (listener) => void (gone ? listener(...gone) : goneListeners.push(listener)),
  };
}

function inheritedEnvironment(): Record<string, string> {
  return Object.fromEntries(
    inherited.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

/** The module beside this one, without anything that its jobs need. */
function runnerCommand(): string[] {
  const here = dirname(fileURLToPath(import.meta.url));
  return import.meta.url.endsWith('.ts')
    ? [process.execPath, '--conditions=@stackyard/source', join(here, 'runnerMain.ts')]
    : [process.execPath, join(here, 'runnerMain.js')];
}
