import { session } from '@stackyard/agent';
import { decodeTerms, type EnvelopeTerms__Output } from '@stackyard/proto';
import { type FakeExecution, type Fate, fakeResult, fateOf } from './executor.ts';
import type { Random } from './random.ts';

/** What simulated agents count, together. */
export interface TaskCounts {
  started: number;
  succeeded: number;
  failed: number;
  killed: number;
}

export interface TasksOptions {
  readonly execution: FakeExecution;
  readonly random: Random;
  readonly counts: TaskCounts;
  readonly exited: (
    attempt: session.AttemptRef,
    result: session.AttemptResult,
    envelope: EnvelopeTerms__Output,
  ) => void;
  /** The whole output of an attempt that has ended. */
  readonly printed: (attempt: session.AttemptRef, output: Buffer) => void;
}

interface Running {
  readonly startedAtMs: number;
  readonly stop: () => void;
}

/** The tasks of a simulated agent: each lasts and comes to what is decided when it starts. */
export class FakeTasks {
  readonly #options: TasksOptions;
  readonly #orders = new Map<string, EnvelopeTerms__Output>();
  readonly #running = new Map<string, Running>();
  readonly #counts = new Map<string, number>();

  constructor(options: TasksOptions) {
    this.#options = options;
  }

  accept({ attempt, envelope }: session.Order): void {
    this.#orders.set(session.attemptId(attempt), decodeTerms(envelope));
  }

  settle(attempt: session.AttemptRef): void {
    this.#orders.delete(session.attemptId(attempt));
  }

  /** Whether there was something to start. */
  start(attempt: session.AttemptRef): boolean {
    const envelope = this.#orders.get(session.attemptId(attempt));
    if (!envelope) return false;
    const { execution, random, counts } = this.#options;
    counts.started += 1;
    for (const key of ['', envelope.phase]) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    const fate = fateOf(envelope.phase, execution, { counts: this.#counts, random });
    this.#running.set(session.attemptId(attempt), {
      startedAtMs: Date.now(),
      stop:
        fate.mishap === 'hang' ? () => undefined : later(fate.durationMs, () => this.#exit(attempt, envelope, fate)),
    });
    return true;
  }

  end(attempt: session.AttemptRef, reason: 'KILLED' | 'TIMEOUT'): void {
    const id = session.attemptId(attempt);
    const [running, envelope] = [this.#running.get(id), this.#orders.get(id)];
    if (!running || !envelope) return;
    running.stop();
    this.#options.counts.killed += 1;
    this.#options.printed(attempt, Buffer.alloc(0));
    const result = fakeResult(envelope, 'success', { startedAtMs: running.startedAtMs, logSize: 0 });
    this.#told(attempt, envelope, {
      ...result,
      reason,
      message: 'It was ended.',
      exitCode: 143,
      signal: 'SIGTERM',
      applied: {},
    });
  }

  stop(): void {
    for (const { stop } of this.#running.values()) stop();
    this.#running.clear();
  }

  #exit(attempt: session.AttemptRef, envelope: EnvelopeTerms__Output, { mishap }: Fate): void {
    const { counts, execution } = this.#options;
    const startedAtMs = this.#running.get(session.attemptId(attempt))?.startedAtMs ?? Date.now();
    const how = mishap === 'fail' || mishap === 'lost' ? mishap : 'success';
    counts[how === 'success' ? 'succeeded' : 'failed'] += 1;
    const output = outputOf(envelope, execution.lines ?? 0);
    this.#options.printed(attempt, output);
    this.#told(attempt, envelope, fakeResult(envelope, how, { startedAtMs, logSize: output.length }));
  }

  #told(attempt: session.AttemptRef, envelope: EnvelopeTerms__Output, result: session.AttemptResult): void {
    this.#running.delete(session.attemptId(attempt));
    this.#options.exited(attempt, result, envelope);
  }
}

function outputOf({ phase, component, self }: EnvelopeTerms__Output, lines: number): Buffer {
  const line = (_: unknown, index: number) => `${phase} ${index + 1} of ${lines} of ${component} on ${self?.host}\n`;
  return Buffer.from(Array.from({ length: lines }, line).join(''));
}

function later(afterMs: number, then: () => void): () => void {
  if (afterMs > 0) {
    const timer = setTimeout(then, afterMs);
    return () => clearTimeout(timer);
  }
  const immediate = setImmediate(then);
  return () => clearImmediate(immediate);
}
