import type { Times } from '../core/events.ts';
import type { Change, Folded, NewEvent } from './changes.ts';

/** Everything that can happen to the writer. */
export type WriterEvent = Times & WriterHappening;

export type WriterHappening =
  /** Something to make durable, by a number that grows; lazy: it may wait a moment for others. */
  | { readonly kind: 'submit'; readonly ticket: number; readonly change: Change; readonly lazy: boolean }
  /** Somebody wants to change rows in a transaction of their own. */
  | { readonly kind: 'ask'; readonly id: number }
  /** Answers `gather`. */
  | { readonly kind: 'gathered' }
  /** Answers `wake`. */
  | { readonly kind: 'woken' }
  /** Answers `execute`: done, or nothing of it because the fence did not let it pass. */
  | { readonly kind: 'executed'; readonly fenced: boolean }
  /** Answers `execute` or `look`: no answer came, or (`refused`) the database does not take the data itself. */
  | { readonly kind: 'failed'; readonly refused: boolean }
  /** Answers `look`: what the installation's row and the outbox say. */
  | { readonly kind: 'seen'; readonly epoch: number; readonly commitNo: number; readonly nextEventId: number }
  /** Answers `transact`: committed with so many events, given up (perhaps only its answer was lost), or not let pass. */
  | {
      readonly kind: 'transacted';
      readonly outcome: 'committed' | 'failed' | 'fenced';
      readonly events: number;
    }
  /** What waits is to be committed now, lazy or not. */
  | { readonly kind: 'press' }
  /** Nothing more will be written. */
  | { readonly kind: 'end' };

/** An event with its place in the outbox. */
export interface NumberedEvent extends Omit<NewEvent, 'key'> {
  readonly id: number;
  readonly at: Date;
}

/** All that one statement writes. */
export type Batch = Omit<Folded, 'events'> & { readonly events: readonly NumberedEvent[] };

/** What the writer asks for. At most one of `execute`, `look` and `transact` is on its way. */
export type WriterEffect =
  /** `gathered` when what arrives together is here: at the end of this turn of the event loop. */
  | { readonly kind: 'gather' }
  /** `woken` in so many milliseconds; replaces one that was asked for before. */
  | { readonly kind: 'wake'; readonly afterMs: number }
  /** Run the statement of this batch. It raises the installation's `commit_no` to this, or does nothing: see `fenced`. */
  | { readonly kind: 'execute'; readonly commitNo: number; readonly batch: Batch }
  /** Read the epoch, `commit_no` and the next id of the outbox. */
  | { readonly kind: 'look' }
  /** Run the transaction that was asked for; its events are numbered from here on. */
  | { readonly kind: 'transact'; readonly id: number; readonly commitNo: number; readonly firstEventId: number }
  /** These are durable; `newestEventId` when events were among them. */
  | { readonly kind: 'committed'; readonly tickets: readonly number[]; readonly newestEventId: number | undefined }
  /** These will never be: left out because the database refuses the data, or because the writer ended. */
  | { readonly kind: 'dropped'; readonly tickets: readonly number[]; readonly why: 'refused' | 'ended' }
  /** These transactions will not run: nothing can be stored now, or the writer ended. */
  | { readonly kind: 'turnedAway'; readonly ids: readonly number[]; readonly why: 'impatient' | 'ended' }
  /** Another server has taken over: nothing more is written, and what waits is dropped. */
  | { readonly kind: 'fenced' };
