import { invariants } from '../invariants/index.ts';
import type { Trace } from '../time/trace.ts';
import type { Facts, Observation, Violation } from './ledger.ts';

/** Sees everything that really happens, and shows it to every checker. */
export class Observer {
  violation: Violation | undefined;
  readonly #checkers = invariants.map(({ name, sentence, checker }) => ({ name, sentence, check: checker() }));
  readonly #facts: () => Facts;
  readonly #trace: Trace;

  constructor(facts: () => Facts, trace: Trace) {
    this.#facts = facts;
    this.#trace = trace;
  }

  /** The time for everything to settle is over, and something has not. */
  unsettled(detail: string): void {
    const sentence = 'When faults are over, everything is settled within a bounded time.';
    this.#break({ invariant: 'I11', sentence, detail });
  }

  /** A core threw. */
  broke(error: unknown): void {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#break({ invariant: 'I0', sentence: 'The pure cores never throw.', detail });
  }

  see(observation: Observation): void {
    if (this.violation) return;
    const facts = this.#facts();
    for (const { name, sentence, check } of this.#checkers) {
      const detail = check(observation, facts);
      if (detail === undefined) continue;
      this.#break({ invariant: name, sentence, detail });
      return;
    }
  }

  #break(violation: Omit<Violation, 'at'>): void {
    this.violation ??= { ...violation, at: this.#facts().now };
    this.#trace.note('VIOLATION', violation.invariant, violation.detail);
  }
}
