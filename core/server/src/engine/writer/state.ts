import type { Change } from './changes.ts';
import type { Batch } from './events.ts';

export interface WriterTerms {
  readonly epoch: number;
  /** How long a lazy change waits for one that is not. */
  readonly lazyMs: number;
  /** For so long a transaction waits behind a commit that fails again and again; then whoever asked hears of it. */
  readonly patienceMs: number;
}

export interface Submitted {
  readonly ticket: number;
  readonly change: Change;
}

/** One statement, until it is known to have happened. */
export interface Work {
  readonly commitNo: number;
  readonly submitted: readonly Submitted[];
  readonly batch: Batch;
}

/** What is on its way to the database; nothing else is begun meanwhile. */
export interface Flight {
  /** Absent where only the state of the database is asked for. */
  readonly work: Work | undefined;
  readonly doing: 'executing' | 'looking' | 'pausing' | 'transacting';
  readonly failures: number;
  readonly sinceMs: number;
  readonly resumeMs: number | undefined;
}

export interface WriterState {
  readonly terms: WriterTerms;
  waiting: Submitted[];
  /** Something that waits must not wait any longer. */
  pressing: boolean;
  lazyUntilMs: number | undefined;
  /** Of a batch with something in it that the database refuses: tried one by one. */
  readonly single: Submitted[];
  readonly transactions: number[];
  gathering: boolean;
  wakeMs: number | undefined;
  /** Of the newest statement or transaction that was begun. */
  commitNo: number;
  /** Unknown before the first look, and after a transaction without an answer. */
  nextEventId: number | undefined;
  flight: Flight | undefined;
  ended: boolean;
}

export function createWriterState(terms: WriterTerms): WriterState {
  return {
    terms,
    waiting: [],
    pressing: false,
    lazyUntilMs: undefined,
    single: [],
    transactions: [],
    gathering: false,
    wakeMs: undefined,
    commitNo: 0,
    nextEventId: undefined,
    flight: undefined,
    ended: false,
  };
}

/** Nothing waits and nothing is on its way. */
export function isIdle({ waiting, single, transactions, flight }: WriterState): boolean {
  return waiting.length + single.length + transactions.length === 0 && flight === undefined;
}
