import { fold } from './changes.ts';
import type { Batch, WriterEffect, WriterEvent, WriterHappening } from './events.ts';
import type { Flight, Work, WriterState } from './state.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;

/**
 * Decides what is written next: all changes that wait as one statement, in turns with the transactions of others, one
 * after the other. A commit whose answer is lost is looked for in the database before it is tried again, so that none is
 * made twice. Changes `state` in place; the same events give the same effects.
 */
export function stepWriter(state: WriterState, event: WriterEvent): readonly WriterEffect[] {
  const effects: WriterEffect[] = [];
  const step = new Step(state, effects, event.now, event.at);
  step.happened(event);
  step.arm();
  return effects;
}

class Step {
  readonly #state: WriterState;
  readonly #effects: WriterEffect[];
  readonly #now: number;
  readonly #at: Date;

  constructor(state: WriterState, effects: WriterEffect[], now: number, at: Date) {
    this.#state = state;
    this.#effects = effects;
    this.#now = now;
    this.#at = at;
  }

  happened(event: WriterHappening): void {
    switch (event.kind) {
      case 'submit':
        this.#submit(event.ticket, event);
        return;
      case 'ask':
        if (this.#state.ended) this.#effects.push({ kind: 'turnedAway', ids: [event.id], why: 'ended' });
        else this.#state.transactions.push(event.id);
        this.#gather();
        return;
      case 'press':
        this.#press();
        return;
      case 'gathered':
        this.#state.gathering = false;
        this.#proceed();
        return;
      case 'woken':
        this.#state.wakeMs = undefined;
        this.#woken();
        return;
      case 'executed':
        this.#executed(event.fenced);
        return;
      case 'failed':
        this.#failed(event.refused);
        return;
      case 'seen':
        this.#seen(event);
        return;
      case 'transacted':
        this.#transacted(event);
        return;
      case 'end':
        this.#end();
        return;
    }
  }

  /** Asks to be woken for whatever has to happen next without anybody's doing. */
  arm(): void {
    const { lazyUntilMs, flight, wakeMs, ended } = this.#state;
    const next = flight ? flight.resumeMs : lazyUntilMs;
    if (next === undefined || next === wakeMs || ended) return;
    this.#state.wakeMs = next;
    this.#effects.push({ kind: 'wake', afterMs: Math.max(0, next - this.#now) });
  }

  #submit(ticket: number, { change, lazy }: Extract<WriterHappening, { kind: 'submit' }>): void {
    const state = this.#state;
    if (state.ended) {
      this.#effects.push({ kind: 'dropped', tickets: [ticket], why: 'ended' });
      return;
    }
    state.waiting.push({ ticket, change });
    if (lazy) state.lazyUntilMs ??= this.#now + state.terms.lazyMs;
    else this.#press();
  }

  #press(): void {
    this.#state.pressing = this.#state.waiting.length > 0;
    this.#state.lazyUntilMs = undefined;
    this.#gather();
  }

  #woken(): void {
    const { flight, lazyUntilMs } = this.#state;
    if (flight?.resumeMs !== undefined && flight.resumeMs <= this.#now) this.#look(flight);
    if (lazyUntilMs !== undefined && lazyUntilMs <= this.#now) this.#press();
  }

  /** One turn of the event loop gathers what arrives together, from however many agents. */
  #gather(): void {
    const state = this.#state;
    const has = state.pressing || state.single.length > 0 || state.transactions.length > 0;
    if (state.gathering || state.flight || state.ended || !has) return;
    state.gathering = true;
    this.#effects.push({ kind: 'gather' });
  }

  /** Changes before the transactions of others, so that what was submitted before one is seen by it. */
  #proceed(): void {
    const { flight, ended, waiting, pressing, single, transactions, nextEventId } = this.#state;
    if (flight || ended) return;
    const asked = transactions.length > 0;
    const statement = single.length > 0 || (waiting.length > 0 && (pressing || asked));
    if (!statement && !asked) return;
    if (nextEventId === undefined) this.#look(undefined);
    else if (statement) this.#write();
    else this.#transact(nextEventId);
  }

  #write(): void {
    const state = this.#state;
    const one = state.single.shift();
    const submitted = one ? [one] : state.waiting;
    if (!one) {
      state.waiting = [];
      state.pressing = false;
      state.lazyUntilMs = undefined;
    }
    state.commitNo += 1;
    const { events, ...rows } = fold(submitted.map(({ change }) => change));
    const firstId = state.nextEventId ?? 1;
    const numbered = events.map(({ topic, clusterId, payload }, index) => ({
      id: firstId + index,
      topic,
      clusterId,
      payload,
      at: this.#at,
    }));
    this.#execute({ commitNo: state.commitNo, submitted, batch: { ...rows, events: numbered } }, undefined);
  }

  #execute({ commitNo, submitted, batch: before }: Work, flight: Flight | undefined): void {
    const batch = numberedFrom(before, this.#state.nextEventId ?? 1);
    this.#begin('executing', { commitNo, submitted, batch }, flight);
    this.#effects.push({ kind: 'execute', commitNo, batch });
  }

  #look(before: Flight | undefined): void {
    this.#begin('looking', before?.work, before);
    this.#effects.push({ kind: 'look' });
  }

  /** Without a pause: whoever asked has waited behind one statement already. */
  #transact(firstEventId: number): void {
    const id = this.#state.transactions.shift();
    if (id === undefined) return;
    this.#state.commitNo += 1;
    this.#begin('transacting', undefined, undefined);
    this.#effects.push({ kind: 'transact', id, commitNo: this.#state.commitNo, firstEventId });
  }

  #begin(doing: Flight['doing'], work: Work | undefined, before: Flight | undefined): void {
    const { failures = 0, sinceMs = this.#now } = before ?? {};
    this.#state.flight = { work, doing, failures, sinceMs, resumeMs: undefined };
  }

  #executed(fenced: boolean): void {
    const { flight } = this.#state;
    if (flight?.doing !== 'executing' || !flight.work) return;
    // Another server's epoch, or this very commit, whose answer was lost and which took longer than the look for it.
    if (fenced) return this.#look(flight);
    this.#claim(flight.work.batch.events.length);
    this.#done(flight.work);
  }

  #done({ submitted, batch }: Work): void {
    const { nextEventId, transactions } = this.#state;
    this.#state.flight = undefined;
    const newestEventId = batch.events.length > 0 && nextEventId !== undefined ? nextEventId - 1 : undefined;
    this.#effects.push({ kind: 'committed', tickets: submitted.map(({ ticket }) => ticket), newestEventId });
    // A transaction waits behind one statement, however many come.
    if (transactions.length > 0 && nextEventId !== undefined) this.#transact(nextEventId);
    else this.#gather();
  }

  #failed(refused: boolean): void {
    const state = this.#state;
    const { flight } = state;
    if (flight?.doing !== 'executing' && flight?.doing !== 'looking') return;
    if (refused && flight.work) return this.#leaveOut(flight.work);
    const failures = flight.failures + 1;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** flight.failures, LONGEST_PAUSE_MS);
    state.flight = { ...flight, doing: 'pausing', failures, resumeMs: this.#now + pauseMs };
    if (this.#now - flight.sinceMs > state.terms.patienceMs && state.transactions.length > 0) {
      this.#effects.push({ kind: 'turnedAway', ids: state.transactions.splice(0), why: 'impatient' });
    }
  }

  /** The others must not suffer for the one change that cannot be stored. */
  #leaveOut({ submitted }: Work): void {
    this.#state.flight = undefined;
    // Its events may have met others in the outbox.
    this.#state.nextEventId = undefined;
    const [only] = submitted;
    if (submitted.length === 1 && only) this.#effects.push({ kind: 'dropped', tickets: [only.ticket], why: 'refused' });
    else this.#state.single.unshift(...submitted);
    this.#gather();
  }

  /** After a commit without an answer this tells whether it happened. */
  #seen({ epoch, commitNo, nextEventId }: Extract<WriterHappening, { kind: 'seen' }>): void {
    const state = this.#state;
    const { flight } = state;
    if (flight?.doing !== 'looking') return;
    if (epoch !== state.terms.epoch) return this.#fence();
    state.nextEventId = nextEventId;
    const { work } = flight;
    if (!work) {
      state.commitNo = Math.max(state.commitNo, commitNo);
      state.flight = undefined;
      this.#proceed();
    } else if (commitNo >= work.commitNo) this.#done(work);
    else this.#execute(work, flight);
  }

  #transacted({ outcome, events }: Extract<WriterHappening, { kind: 'transacted' }>): void {
    const state = this.#state;
    if (state.flight?.doing !== 'transacting') return;
    if (outcome === 'fenced') return this.#look(undefined);
    state.flight = undefined;
    if (outcome === 'failed') {
      // It may have happened without an answer: what is in the database is looked at before the next commit.
      state.nextEventId = undefined;
    } else if (events > 0) {
      this.#claim(events);
      this.#effects.push({ kind: 'committed', tickets: [], newestEventId: state.nextEventId! - 1 });
    }
    this.#gather();
  }

  #claim(events: number): void {
    this.#state.nextEventId = (this.#state.nextEventId ?? 1) + events;
  }

  #fence(): void {
    this.#effects.push({ kind: 'fenced' });
    this.#end();
  }

  #end(): void {
    const state = this.#state;
    if (state.ended) return;
    state.ended = true;
    const flying = state.flight?.work?.submitted ?? [];
    const tickets = [...flying, ...state.single.splice(0), ...state.waiting.splice(0)].map(({ ticket }) => ticket);
    state.flight = undefined;
    if (tickets.length > 0) this.#effects.push({ kind: 'dropped', tickets, why: 'ended' });
    if (state.transactions.length > 0) {
      this.#effects.push({ kind: 'turnedAway', ids: state.transactions.splice(0), why: 'ended' });
    }
  }
}

/** Others may have written events since it was tried before. */
function numberedFrom(batch: Batch, firstId: number): Batch {
  const [first] = batch.events;
  if (first === undefined || first.id === firstId) return batch;
  return { ...batch, events: batch.events.map((event, index) => ({ ...event, id: firstId + index })) };
}
