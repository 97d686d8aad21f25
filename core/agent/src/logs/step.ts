import { certainBytes, keptBytes, type KeptLimits, keptLimits } from './kept.ts';

/** Most bytes of one chunk, and of one read: each costs the agent a tenth of a millisecond, however long it is. */
export const CHUNK_BYTES = 256 * 1024;
/** Sent and not yet durable at the server, per attempt. */
export const WINDOW_BYTES = 1024 * 1024;

/** One attempt's log on its way to the server. Offsets are those of the log as the server gets it (`kept.ts`). */
export interface FeedState {
  readonly limits: KeptLimits;
  readonly chunkBytes: number;
  /** The stream that carries it, if one is open. */
  readonly stream: number | undefined;
  /** What the server holds is asked by one chunk at the beginning of each stream: not yet, under way, known. */
  readonly asked: 'NO' | 'WAITING' | 'YES';
  /** Output on the disk of the host, when last looked at. */
  readonly written: number;
  /** Length of the whole log; known when the attempt has ended. */
  readonly total: number | undefined;
  readonly acked: number;
  readonly sent: number;
  readonly lastSent: boolean;
  /** Chunks sent on this stream and not answered: each is answered once, in their order. */
  readonly owed: number;
  /** There is one read at a time. */
  readonly reading: boolean;
  /** The server has all of it. */
  readonly done: boolean;
}

export type FeedEvent =
  /** The attempt has printed this much so far. */
  | { readonly kind: 'grown'; readonly written: number }
  /** It has ended, after this much. */
  | { readonly kind: 'ended'; readonly written: number }
  | { readonly kind: 'opened'; readonly stream: number }
  | { readonly kind: 'lost'; readonly stream: number }
  | { readonly kind: 'acknowledged'; readonly stream: number; readonly durable: number }
  /** What was asked for was read; fewer bytes than asked for are no error. */
  | { readonly kind: 'read'; readonly offset: number; readonly data: Uint8Array };

export type FeedEffect =
  | { readonly kind: 'read'; readonly offset: number; readonly length: number }
  | {
      readonly kind: 'send';
      readonly stream: number;
      readonly offset: number;
      readonly data: Uint8Array;
      /** Nothing comes after it. */
      readonly last: boolean;
    }
  | { readonly kind: 'delivered' };

export type FeedStep = readonly [FeedState, readonly FeedEffect[]];

/** The log of an attempt of which nothing was sent by this process. */
export function newFeed(limits: KeptLimits = keptLimits, chunkBytes = CHUNK_BYTES): FeedState {
  return { limits, chunkBytes, ...untouched };
}

const untouched: Omit<FeedState, 'limits' | 'chunkBytes'> = {
  stream: undefined,
  asked: 'NO',
  written: 0,
  total: undefined,
  acked: 0,
  sent: 0,
  lastSent: false,
  owed: 0,
  reading: false,
  done: false,
};

/**
 * How soon a log needs a stream: what was printed at once, since somebody may read along; the word that nothing was printed
 * may wait for others. A connection costs as much as a small task.
 */
export function hurryOf({ written, total, acked, done }: FeedState): 'NONE' | 'LATER' | 'NOW' {
  if (done || (total === undefined && written <= acked)) return 'NONE';
  return written > 0 ? 'NOW' : 'LATER';
}

/** The agent's half of the transfer of one attempt's log. Pure: reading and sending are effects. */
export function stepFeed(state: FeedState, event: FeedEvent): FeedStep {
  switch (event.kind) {
    case 'grown':
      return state.total === undefined ? proceed({ ...state, written: event.written }) : [state, []];
    case 'ended':
      if (state.total !== undefined) return [state, []];
      return proceed({ ...state, written: event.written, total: keptBytes(event.written, state.limits) });
    case 'opened': {
      // What was sent and not acknowledged may be lost.
      const { stream } = event;
      return proceed({ ...state, stream, asked: 'NO', sent: state.acked, lastSent: false, owed: 0 });
    }
    case 'lost':
      return [state.stream === event.stream ? { ...state, stream: undefined } : state, []];
    case 'acknowledged':
      return state.stream === event.stream ? acknowledged(state, event.durable) : [state, []];
    case 'read':
      return sent({ ...state, reading: false }, event.offset, event.data);
  }
}

/** Asks for the next bytes, or says that there are no more. */
function proceed(state: FeedState): FeedStep {
  const { stream, asked, total, sent: from, acked, written } = state;
  if (stream === undefined || asked === 'WAITING' || state.reading || state.lastSent || state.done) return [state, []];
  const end = total ?? certainBytes(written, state.limits);
  const length = Math.min(end - from, state.chunkBytes, WINDOW_BYTES - (from - acked));
  if (length > 0) return [{ ...state, reading: true }, [{ kind: 'read', offset: from, length }]];
  if (total === undefined || from < total) return [state, []];
  const last = { kind: 'send', stream, offset: from, data: new Uint8Array(0), last: true } as const;
  return [{ ...state, lastSent: true, owed: state.owed + 1, asked: asked === 'NO' ? 'WAITING' : asked }, [last]];
}

function sent(state: FeedState, offset: number, data: Uint8Array): FeedStep {
  const { stream } = state;
  // An answer that came during the read has moved the position, or the stream is gone.
  if (stream === undefined || state.asked === 'WAITING' || state.lastSent || offset !== state.sent)
    return proceed(state);
  if (data.length === 0) {
    // The file is shorter than it was: what is left of it is all there is.
    if (state.total === undefined) return [{ ...state, written: Math.min(state.written, offset) }, []];
    return proceed({ ...state, total: offset });
  }
  const end = offset + data.length;
  const lastSent = end === state.total;
  const [next, more] = proceed({
    ...state,
    sent: end,
    owed: state.owed + 1,
    lastSent,
    asked: state.asked === 'NO' ? 'WAITING' : state.asked,
  });
  return [next, [{ kind: 'send', stream, offset, data, last: lastSent }, ...more]];
}

function acknowledged(state: FeedState, durable: number): FeedStep {
  const { total } = state;
  if (state.done) return [state, []];
  const owed = state.owed - 1;
  // Behind what it held before: the server was restored from a backup and asks for those bytes again.
  const isMoved = state.asked !== 'YES' || durable < state.acked || durable > state.sent;
  const lastSent = state.lastSent && (!isMoved || (total !== undefined && durable >= total));
  const next: FeedState = {
    ...state,
    asked: 'YES',
    acked: durable,
    sent: isMoved ? durable : state.sent,
    lastSent,
    owed,
  };
  // All bytes may be there before the word that they are all.
  const isDone = lastSent && owed <= 0 && total !== undefined && durable >= total;
  if (isDone) return [{ ...next, done: true }, [{ kind: 'delivered' }]];
  return proceed(next);
}
