import type { Dispatch } from '@stackyard/domain';
import type { WirePhase } from './messages.ts';

/**
 * What the server's row says of an attempt. ISSUED: accepted or started. ENDED: terminal, by a result or a cancel.
 * GIVEN_UP: terminal because its outcome could not be known. NONE: no such row, as after a restore from a backup.
 */
export type Row = 'PENDING' | 'SENT' | 'ISSUED' | 'ENDED' | 'GIVEN_UP' | 'NONE';

/** Of an attempt that was issued and is not settled. */
export function rowOf({ givenUp, dispatch }: { readonly givenUp?: boolean; readonly dispatch: Dispatch }): Row {
  if (givenUp) return 'GIVEN_UP';
  return dispatch === 'SENT' ? 'SENT' : 'ISSUED';
}

/** What the agent says of it. UNKNOWN splits by whether its journal is the one the attempt was sent to. */
export type Column = 'UNKNOWN' | 'UNKNOWN_NEW_JOURNAL' | WirePhase;

export type Move =
  | 'nothing'
  /** Send the same attempt again. */
  | 'resend'
  | 'accepted'
  | 'started'
  | 'takeResult'
  /** Ask for its result: acknowledged before the database was restored, it is still kept. */
  | 'recall'
  /** FAILED(LOST): the agent has forgotten what it had accepted. */
  | 'lost'
  /** FAILED(AGENT_STATE_LOST): another journal cannot vouch for what the old one did. */
  | 'stateLost'
  /** End it on the agent: it is over here. */
  | 'cancel'
  /** Keep what it reports beside the terminal state, and acknowledge. */
  | 'recordLate'
  /** Unknown here: let it finish and say so. */
  | 'orphan'
  | 'ackOrphan'
  /** It waits here, and the agent has it: taken over as soon as its job runs. */
  | 'hold';

/** One row per state on the server, one column per phase on the agent. */
export const reconcile: Readonly<Record<Row, Readonly<Record<Column, Move>>>> = {
  PENDING: {
    UNKNOWN: 'nothing',
    UNKNOWN_NEW_JOURNAL: 'nothing',
    // Issued before the database was restored from a backup.
    ACCEPTED: 'hold',
    STARTED: 'hold',
    EXITED: 'hold',
    TOMBSTONE: 'nothing',
  },
  SENT: {
    UNKNOWN: 'resend',
    UNKNOWN_NEW_JOURNAL: 'stateLost',
    ACCEPTED: 'accepted',
    STARTED: 'started',
    EXITED: 'takeResult',
    TOMBSTONE: 'recall',
  },
  ISSUED: {
    UNKNOWN: 'recall',
    UNKNOWN_NEW_JOURNAL: 'stateLost',
    ACCEPTED: 'accepted',
    STARTED: 'started',
    EXITED: 'takeResult',
    TOMBSTONE: 'recall',
  },
  ENDED: {
    UNKNOWN: 'nothing',
    UNKNOWN_NEW_JOURNAL: 'nothing',
    ACCEPTED: 'cancel',
    STARTED: 'cancel',
    EXITED: 'recordLate',
    TOMBSTONE: 'nothing',
  },
  GIVEN_UP: {
    UNKNOWN: 'nothing',
    UNKNOWN_NEW_JOURNAL: 'nothing',
    ACCEPTED: 'cancel',
    // It may finish: the engine cancels it only when a newer attempt waits for its place.
    STARTED: 'nothing',
    EXITED: 'recordLate',
    TOMBSTONE: 'nothing',
  },
  NONE: {
    UNKNOWN: 'nothing',
    UNKNOWN_NEW_JOURNAL: 'nothing',
    ACCEPTED: 'cancel',
    STARTED: 'orphan',
    EXITED: 'ackOrphan',
    TOMBSTONE: 'nothing',
  },
};
