import { type FSWatcher, watch } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { isAlive, type ProcessIdentity } from '../processes/identity.ts';
import { endProcesses, type EndReport, type Trace } from '../processes/kill.ts';
import { type Accepted, type AttemptRef, attemptId, type ExitRecord, readProgress } from './entry.ts';
import { AttemptKnownError, RunnerFailedError } from './errors.ts';
import { type Job, outputFile } from './job.ts';
import { concludeUnknown, endLeftovers, fence, observe, traceOf } from './outcome.ts';
import { judge, silenceOf } from './recover.ts';
import type { Runner, RunnerPool } from './runnerPool.ts';
import type { Spool } from './spool.ts';

export interface AttemptListener {
  /** The attempt's function runs; the decision is on disk. */
  started(ref: AttemptRef, how: { readonly pid: number; readonly startedMono: number }): void;
  /** The result is on disk, and of a failed attempt no process is left. */
  exited(ref: AttemptRef, exit: ExitRecord): void;
  /** Something went wrong that no result tells. */
  failed(ref: AttemptRef, error: unknown): void;
}

/** An attempt as it stands when the agent has just started. */
export interface RecoveredAttempt {
  readonly ref: AttemptRef;
  readonly accepted: Accepted;
  /** WAITING: certainly never started. STARTED: it runs and is followed. EXITED: its result is on disk. */
  readonly standing: 'WAITING' | 'STARTED' | 'EXITED';
  readonly pid?: number;
  /** Milliseconds of the kernel's monotonic clock. */
  readonly startedMono?: number;
  readonly exit?: ExitRecord;
}

interface Running {
  readonly process: ProcessIdentity;
  readonly trace: Trace;
  /** The end of it that was asked for, under way. */
  ending?: { readonly reason: string; readonly done: Promise<EndReport> } | undefined;
  stopFollowing?: () => void;
}

const triesPerStart = 3;
const pollMs = 250;
const resumeLimitMs = 2_000;

/** Starts, follows and ends the attempts of a journal: at most one start each, over any crash of this process. */
export class Attempts {
  readonly #spool: Spool;
  readonly #pool: RunnerPool;
  readonly #listener: AttemptListener;
  readonly #running = new Map<string, Running>();
  #unfollowed: (() => void)[] = [];
  #resumeTimer: NodeJS.Timeout | undefined;

  constructor({ spool, pool, listener }: { spool: Spool; pool: RunnerPool; listener: AttemptListener }) {
    this.#spool = spool;
    this.#pool = pool;
    this.#listener = listener;
  }

  /** Where the attempt's output is from its start on; appended to only. */
  logFileOf(ref: AttemptRef): string {
    return `${this.#spool.pathOf(ref)}/${outputFile}`;
  }

  /** How many bytes of output there are; 0 before the start. */
  async logSizeOf(ref: AttemptRef): Promise<number> {
    return stat(this.logFileOf(ref)).then(
      ({ size }) => size,
      () => 0,
    );
  }

  isRunning(ref: AttemptRef): boolean {
    return this.#running.has(attemptId(ref));
  }

  /**
   * Hands an accepted attempt to a runner; resolves when it runs. The listener is told of that, and of its end.
   * @throws RunnerFailedError when no runner could be started: the attempt has certainly not run
   * @throws AttemptKnownError when it was started before
   */
  async start(ref: AttemptRef, job: Job): Promise<void> {
    this.#spool.acceptedOf(ref);
    const attemptDir = this.#spool.pathOf(ref);
    let failure = 'each ended at once';
    for (let round = 0; round < triesPerStart; round += 1) {
      const progress = await readProgress(attemptDir);
      const isFree = progress.decision === 'none' || (progress.decision as { verdict?: string }).verdict === 'abort';
      if (!isFree || progress.exit !== 'none') throw new AttemptKnownError(attemptId(ref), 'DECIDED');
      const tryNumber = progress.tryNumber + 1;
      const runner = this.#pool.take();
      const word = await handOver(runner, { ...ref, attemptDir, tryNumber, bootId: this.#spool.bootId, job });
      // A runner that died may have decided before: only the file knows, and we may still win it.
      if (word === 'decided' || !(await fence(this.#spool, ref, tryNumber))) return this.#follow(ref, runner);
      if (typeof word !== 'string') failure = word.message;
    }
    throw new RunnerFailedError(attemptId(ref), triesPerStart, failure);
  }

  /**
   * Ends what runs: SIGTERM, the grace, SIGKILL of everything in the attempt's cgroup or with its cookie. Resolves when nothing
   * of it is left and the listener knows. An attempt that does not run, or is being ended already, is left as it is.
   * @returns how it was done, or undefined when it was not
   * @throws ProcessesSurviveError when something hangs in the kernel
   */
  async end(
    ref: AttemptRef,
    { graceMs, reason }: { graceMs: number; reason: 'KILLED' | 'TIMEOUT' },
  ): Promise<EndReport | undefined> {
    const running = this.#running.get(attemptId(ref));
    if (!running || running.ending) return undefined;
    const done = this.#terminate(ref, running, graceMs, reason);
    running.ending = { reason, done };
    try {
      await done;
    } catch (error) {
      running.ending = undefined; // it may be asked for again
      throw error;
    }
    await this.#conclude(ref);
    return done;
  }

  /**
   * Looks at every unsettled attempt once, when the agent starts. The listener is told nothing about those that run before
   * `resume` is called, so that the caller can first take in where they stand; after 2 s they are followed in any case.
   */
  async recover(): Promise<RecoveredAttempt[]> {
    for (const { path } of this.#spool.quarantined) {
      const { decision } = await readProgress(path);
      if (typeof decision === 'string' || decision.verdict === 'abort') continue;
      await endProcesses({ ...traceOf(decision), graceMs: 0 });
    }
    const recovered: RecoveredAttempt[] = [];
    for (const accepted of this.#spool.unsettled()) recovered.push(await this.#recoverOne(accepted));
    this.#resumeTimer = setTimeout(() => this.resume(), resumeLimitMs);
    return recovered;
  }

  /** Follows the recovered attempts from now on: the caller is ready to hear of their ends. */
  resume(): void {
    clearTimeout(this.#resumeTimer);
    for (const follow of this.#unfollowed.splice(0)) follow();
  }

  /** Stops following; what runs carries on. */
  close(): void {
    clearTimeout(this.#resumeTimer);
    this.#unfollowed = [];
    for (const { stopFollowing } of this.#running.values()) stopFollowing?.();
    this.#running.clear();
  }

  async #recoverOne(accepted: Accepted): Promise<RecoveredAttempt> {
    const ref: AttemptRef = { taskId: accepted.taskId, number: accepted.number };
    const { entry, runnerAlive } = await observe(this.#spool, accepted);
    const verdict = judge(entry, { bootId: this.#spool.bootId, runnerAlive });
    switch (verdict.kind) {
      case 'report':
        // The agent may have died between the result of the runner and the end of what the runner had started.
        if (verdict.exit.reason !== undefined) await endLeftovers(this.#spool, entry.decision);
        this.#spool.advance(ref, 'EXITED');
        return { ref, accepted, standing: 'EXITED', exit: verdict.exit };
      case 'attach': {
        const { process, decision } = verdict;
        this.#attach(ref, process, traceOf(decision));
        return { ref, accepted, standing: 'STARTED', pid: process.pid, startedMono: decision.decidedMono };
      }
      case 'startable':
        return { ref, accepted, standing: 'WAITING' };
      case 'fence':
        if (await fence(this.#spool, ref, verdict.tryNumber)) return { ref, accepted, standing: 'WAITING' };
        return this.#recoverOne(accepted); // a runner was quicker, so now there is a decision to judge
      case 'end':
        break;
    }
    const exit = await concludeUnknown(this.#spool, ref, entry.decision, verdict);
    return { ref, accepted, standing: 'EXITED', exit };
  }

  /** Follows a runner of our own. */
  async #follow(ref: AttemptRef, runner: Runner): Promise<void> {
    const { decision } = await readProgress(this.#spool.pathOf(ref));
    if (typeof decision === 'string') throw new AttemptKnownError(attemptId(ref), 'DECIDED');
    const { pid, startTime, bootId, decidedMono } = decision;
    this.#running.set(attemptId(ref), { process: { pid, startTime, bootId }, trace: traceOf(decision) });
    this.#spool.advance(ref, 'DECIDED');
    this.#listener.started(ref, { pid, startedMono: decidedMono });
    runner.onSay((say) => say === 'done' && this.#concludeSoon(ref));
    runner.onGone(() => this.#concludeSoon(ref));
    // It may have said so while we read.
    this.#concludeSoon(ref);
  }

  /** Takes in a runner that an agent before us started. */
  #attach(ref: AttemptRef, process: ProcessIdentity, trace: Trace): void {
    const running: Running = { process, trace };
    this.#running.set(attemptId(ref), running);
    this.#spool.advance(ref, 'DECIDED');
    this.#unfollowed.push(() => this.#followForeign(ref, running));
  }

  #followForeign(ref: AttemptRef, running: Running): void {
    if (this.#running.get(attemptId(ref)) !== running) return; // ended in the meantime
    const timer = setInterval(() => {
      if (!isAlive(running.process, this.#spool.bootId)) this.#concludeSoon(ref);
    }, pollMs);
    const watcher = this.#watchForExit(ref);
    running.stopFollowing = () => {
      clearInterval(timer);
      watcher?.close();
    };
    this.#concludeSoon(ref);
  }

  #watchForExit(ref: AttemptRef): FSWatcher | undefined {
    try {
      const watcher = watch(this.#spool.pathOf(ref), (_event, name) => name === 'exit' && this.#concludeSoon(ref));
      return watcher.on('error', () => watcher.close());
    } catch {
      return undefined; // the host is out of watches: the timer sees it a little later
    }
  }

  async #terminate(ref: AttemptRef, { trace, process }: Running, graceMs: number, reason: string): Promise<EndReport> {
    // The runner reads it when the signal comes, and so does an agent that finds the attempt dead.
    await writeFile(`${this.#spool.pathOf(ref)}/ending`, reason, { mode: 0o600 });
    return endProcesses({ ...trace, leader: process, graceMs });
  }

  #concludeSoon(ref: AttemptRef): void {
    this.#conclude(ref).catch((error: unknown) => this.#listener.failed(ref, error));
  }

  /** Tells the result when there is one, or when there will be none; does nothing while it runs. */
  async #conclude(ref: AttemptRef): Promise<void> {
    const running = this.#running.get(attemptId(ref));
    if (!running) return;
    // Its children may still be using the grace.
    await running.ending?.done;
    const alive = isAlive(running.process, this.#spool.bootId);
    const { decision, exit } = await readProgress(this.#spool.pathOf(ref));
    if (typeof exit === 'string') {
      if (!alive)
        this.#report(ref, await concludeUnknown(this.#spool, ref, decision, silenceOf(running.ending?.reason)));
      return;
    }
    // A failed attempt may be tried again, and then nothing of it may be left; a successful one may leave a daemon.
    if (exit.reason !== undefined) await endProcesses({ ...running.trace, graceMs: 0 });
    this.#report(ref, exit);
  }

  #report(ref: AttemptRef, exit: ExitRecord): void {
    const running = this.#running.get(attemptId(ref));
    if (!running) return;
    running.stopFollowing?.();
    this.#running.delete(attemptId(ref));
    this.#spool.advance(ref, 'EXITED');
    this.#listener.exited(ref, exit);
  }
}

/** Assigns, then waits for the runner's word or its end. */
function handOver(
  runner: Runner,
  assignment: Parameters<Runner['assign']>[0],
): Promise<'decided' | 'fenced' | 'gone' | Error> {
  return new Promise((resolve) => {
    runner.onSay((say) => {
      if (say === 'decided' || say === 'fenced') resolve(say);
    });
    runner.onGone((_code, _signal, failure) => resolve(failure ?? 'gone'));
    runner.assign(assignment);
  });
}
