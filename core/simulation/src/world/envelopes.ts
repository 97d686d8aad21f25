import type { session } from '@stackyard/agent';
import type { Process } from '../time/process.ts';
import { orderOf } from './envelope.ts';
import type { Wanted } from './ledger.ts';
import { refOf } from './spool.ts';

/** The envelopes that a server builds, each in its time, and keeps. */
export class Envelopes {
  readonly #process: Process;
  readonly #wanted: ReadonlyMap<string, Wanted>;
  readonly #killGraceMs: number;
  readonly #buildMs: () => number;
  readonly #kept = new Set<string>();
  readonly #building = new Set<string>();

  constructor(options: {
    readonly process: Process;
    readonly wanted: ReadonlyMap<string, Wanted>;
    readonly settings: { readonly killGraceMs: number };
    readonly buildMs: () => number;
  }) {
    this.#process = options.process;
    this.#wanted = options.wanted;
    this.#killGraceMs = options.settings.killGraceMs;
    this.#buildMs = options.buildMs;
  }

  build(attemptId: string, built: (hash: string) => void): void {
    this.#building.add(attemptId);
    this.#process.later(this.#buildMs(), () => {
      if (!this.#building.delete(attemptId)) return;
      this.#kept.add(attemptId);
      built(this.#orderOf(attemptId).hash);
    });
  }

  /** One that is built at once, before its task is stored; it is not kept. */
  foresee(attemptId: string): { readonly attemptId: string; readonly hash: string } {
    return { attemptId, hash: this.#orderOf(attemptId).hash };
  }

  keep(attemptId: string): void {
    this.#kept.add(attemptId);
  }

  drop(attemptId: string): void {
    this.#kept.delete(attemptId);
    this.#building.delete(attemptId);
  }

  /** Undefined when it is not kept. */
  of(attemptId: string): session.Order | undefined {
    return this.#kept.has(attemptId) ? this.#orderOf(attemptId) : undefined;
  }

  #orderOf(attemptId: string): session.Order {
    const ref = refOf(attemptId);
    return orderOf(ref, this.#wanted.get(ref.taskId)!.plan, this.#killGraceMs);
  }
}
