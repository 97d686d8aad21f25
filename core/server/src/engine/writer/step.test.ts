import { ok } from 'node:assert/strict';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Change } from './changes.ts';
import type { WriterEffect, WriterHappening } from './events.ts';
import { createWriterState, isIdle } from './state.ts';
import { stepWriter } from './step.ts';

const says = (name: string): Change => ({
  events: [{ topic: 'host', clusterId: undefined, payload: { kind: 'host', hostId: 'h', name, change: 'joined' } }],
});

/** A writer whose effects are carried out by the test. */
function start() {
  const state = createWriterState({ epoch: 7, lazyMs: 20, patienceMs: 5000 });
  const clock = { now: 0 };
  const step = (happening: WriterHappening): readonly WriterEffect[] =>
    stepWriter(state, { ...happening, now: clock.now, at: new Date(clock.now) });
  const submit = (ticket: number, { lazy = false } = {}) =>
    step({ kind: 'submit', ticket, change: says(`${ticket}`), lazy });
  return { state, clock, step, submit };
}

/** One line per effect. */
function said(effects: readonly WriterEffect[]): string[] {
  return effects.map((effect) => {
    switch (effect.kind) {
      case 'execute': {
        const names = effect.batch.events.map(({ id, payload }) => `${id}=${'name' in payload ? payload.name : ''}`);
        return `execute ${effect.commitNo}: ${names.join(' ')}`;
      }
      case 'transact':
        return `transact ${effect.id} as ${effect.commitNo} from ${effect.firstEventId}`;
      case 'committed':
        return `committed ${effect.tickets.join(' ')}`;
      case 'dropped':
        return `dropped ${effect.tickets.join(' ')} ${effect.why}`;
      case 'turnedAway':
        return `turned away ${effect.ids.join(' ')} ${effect.why}`;
      case 'wake':
        return `wake in ${effect.afterMs}`;
      case 'gather':
      case 'look':
      case 'fenced':
        return effect.kind;
    }
  });
}

function looked({ commitNo = 0, nextEventId = 1, epoch = 7 } = {}): WriterHappening {
  return { kind: 'seen', epoch, commitNo, nextEventId };
}

describe('what goes together', () => {
  test('all that arrives in one turn is one statement, and what arrives meanwhile the next', () => {
    const { step, submit } = start();
    expect(said(submit(1))).toEqual(['gather']);
    expect(said(submit(2))).toEqual([]);
    expect(said(step({ kind: 'gathered' }))).toEqual(['look']);
    expect(said(step(looked({ nextEventId: 5 })))).toEqual(['execute 1: 5=1 6=2']);
    expect(said(submit(3))).toEqual([]);
    expect(said(step({ kind: 'executed', fenced: false }))).toEqual(['committed 1 2', 'gather']);
    expect(said(step({ kind: 'gathered' }))).toEqual(['execute 2: 7=3']);
  });

  test('a lazy change goes with the next that is not, or by itself when its time is over', () => {
    const { step, submit, clock } = start();
    expect(said(submit(1, { lazy: true }))).toEqual(['wake in 20']);
    clock.now = 20;
    expect(said(step({ kind: 'woken' }))).toEqual(['gather']);
    step({ kind: 'gathered' });
    expect(said(step(looked()))).toEqual(['execute 1: 1=1']);
    submit(2, { lazy: true });
    submit(3);
    step({ kind: 'executed', fenced: false });
    expect(said(step({ kind: 'gathered' }))).toEqual(['execute 2: 2=2 3=3']);
  });

  test('a timer that fires early changes nothing and is asked for again', () => {
    const { step, submit, clock } = start();
    submit(1, { lazy: true });
    clock.now = 19;
    expect(said(step({ kind: 'woken' }))).toEqual(['wake in 1']);
  });

  test('transactions of others see what was submitted before them and wait behind one statement each', () => {
    const { step, submit } = start();
    submit(1, { lazy: true });
    step({ kind: 'ask', id: 10 });
    step({ kind: 'ask', id: 11 });
    step({ kind: 'gathered' });
    expect(said(step(looked()))).toEqual(['execute 1: 1=1']);
    submit(2);
    expect(said(step({ kind: 'executed', fenced: false }))).toEqual(['committed 1', 'transact 10 as 2 from 2']);
    expect(said(step({ kind: 'transacted', outcome: 'committed', events: 3 }))).toEqual(['committed ', 'gather']);
    expect(said(step({ kind: 'gathered' }))).toEqual(['execute 3: 5=2']);
    expect(said(step({ kind: 'executed', fenced: false }))).toEqual(['committed 2', 'transact 11 as 4 from 6']);
  });
});

describe('a commit without an answer', () => {
  function lost() {
    const writer = start();
    writer.submit(1);
    writer.step({ kind: 'gathered' });
    writer.step(looked());
    expect(said(writer.step({ kind: 'failed', refused: false }))).toEqual(['wake in 100']);
    writer.clock.now = 100;
    expect(said(writer.step({ kind: 'woken' }))).toEqual(['look']);
    return writer;
  }

  test('that happened is not made again', () => {
    const { step } = lost();
    expect(said(step(looked({ commitNo: 1, nextEventId: 2 })))).toEqual(['committed 1']);
  });

  test('that did not happen is made again, under its own number', () => {
    const { step, submit } = lost();
    submit(2);
    expect(said(step(looked()))).toEqual(['execute 1: 1=1']);
    expect(said(step({ kind: 'executed', fenced: false }))).toEqual(['committed 1', 'gather']);
  });

  test('is made again after the events that are there by then', () => {
    const { step } = lost();
    expect(said(step(looked({ nextEventId: 4 })))).toEqual(['execute 1: 4=1']);
  });

  test('that was still under way when it was looked for, and let nothing pass the second time, has happened', () => {
    const { step } = lost();
    step(looked());
    expect(said(step({ kind: 'executed', fenced: true }))).toEqual(['look']);
    expect(said(step(looked({ commitNo: 1, nextEventId: 2 })))).toEqual(['committed 1']);
  });

  test('is looked for at growing intervals; transactions hear of it after a while', () => {
    const { step, clock } = lost();
    step({ kind: 'ask', id: 10 });
    const pauses: string[] = [];
    while (clock.now < 6000) {
      const effects = said(step({ kind: 'failed', refused: false }));
      pauses.push(...effects);
      clock.now += Number(effects.find((line) => line.startsWith('wake'))?.slice(8));
      step({ kind: 'woken' });
    }
    expect(pauses).toEqual([
      'wake in 200',
      'wake in 400',
      'wake in 800',
      'wake in 1600',
      'wake in 2000',
      'turned away 10 impatient',
      'wake in 2000',
    ]);
  });

  test('of a transaction is looked for before the next commit', () => {
    const { step, submit } = start();
    step({ kind: 'ask', id: 10 });
    step({ kind: 'gathered' });
    expect(said(step(looked()))).toEqual(['transact 10 as 1 from 1']);
    submit(1);
    expect(said(step({ kind: 'transacted', outcome: 'failed', events: 0 }))).toEqual(['gather']);
    expect(said(step({ kind: 'gathered' }))).toEqual(['look']);
    expect(said(step(looked({ commitNo: 1, nextEventId: 4 })))).toEqual(['execute 2: 4=1']);
  });
});

test('what the database refuses is left out, the others are written one by one', () => {
  const { step, submit } = start();
  for (const ticket of [1, 2, 3]) submit(ticket);
  step({ kind: 'gathered' });
  step(looked());
  expect(said(step({ kind: 'failed', refused: true }))).toEqual(['gather']);
  expect(said(step({ kind: 'gathered' }))).toEqual(['look']);
  expect(said(step(looked()))).toEqual(['execute 2: 1=1']);
  step({ kind: 'executed', fenced: false });
  expect(said(step({ kind: 'gathered' }))).toEqual(['execute 3: 2=2']);
  expect(said(step({ kind: 'failed', refused: true }))).toEqual(['dropped 2 refused', 'gather']);
  step({ kind: 'gathered' });
  expect(said(step(looked({ commitNo: 2, nextEventId: 7 })))).toEqual(['execute 4: 7=3']);
});

test('another server ends the writer, and everything that waits', () => {
  const { step, submit, state } = start();
  submit(1);
  step({ kind: 'gathered' });
  step(looked());
  submit(2);
  step({ kind: 'ask', id: 10 });
  step({ kind: 'executed', fenced: true });
  const last = said(step(looked({ epoch: 8 })));
  expect(last).toEqual(['fenced', 'dropped 1 2 ended', 'turned away 10 ended']);
  expect(said(submit(3))).toEqual(['dropped 3 ended']);
  expect(isIdle(state)).toBe(true);
});

/** A database that may carry out a statement and lose its answer, or carry it out late. */
class Database {
  commitNo = 0;
  readonly names: string[] = [];
  readonly ids: number[] = [];
  readonly late: Extract<WriterEffect, { kind: 'execute' }>[] = [];

  /** Whether the fence let it pass. */
  execute({ commitNo, batch }: Extract<WriterEffect, { kind: 'execute' }>): boolean {
    if (commitNo <= this.commitNo) return false;
    this.commitNo = commitNo;
    for (const { id, payload } of batch.events) {
      ok(!this.ids.includes(id), `The event ${id} is there already`);
      this.ids.push(id);
      this.names.push('name' in payload ? payload.name : '');
    }
    return true;
  }
}

test('whatever answers are lost or late, each change is written once, and told of after that', () => {
  const action = fc.constantFrom('submit', 'lazily', 'answer', 'lose', 'do and lose', 'do late and lose', 'late');
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const { step, submit, clock, state } = start();
      const database = new Database();
      const told: number[] = [];
      const pending: WriterEffect[] = [];
      const take = (effects: readonly WriterEffect[]): void => {
        for (const effect of effects) {
          if (effect.kind === 'committed') {
            for (const ticket of effect.tickets) expect(database.names).toContain(`${ticket}`);
            told.push(...effect.tickets);
          } else pending.push(effect);
        }
      };
      const lateOnes = (): void => {
        for (const effect of database.late.splice(0)) database.execute(effect);
      };
      const answer = (how: string): void => {
        const effect = pending.shift();
        if (effect?.kind === 'gather') take(step({ kind: 'gathered' }));
        else if (effect?.kind === 'wake') {
          clock.now += effect.afterMs;
          take(step({ kind: 'woken' }));
        } else if (how === 'lose') take(step({ kind: 'failed', refused: false }));
        else if (effect?.kind === 'look') {
          take(step(looked({ commitNo: database.commitNo, nextEventId: Math.max(0, ...database.ids) + 1 })));
        } else if (effect?.kind === 'execute') {
          if (how === 'do late and lose') database.late.push(effect);
          else {
            // Locks: what is under way goes first.
            lateOnes();
            const passed = database.execute(effect);
            if (how === 'answer') return take(step({ kind: 'executed', fenced: !passed }));
          }
          take(step({ kind: 'failed', refused: false }));
        }
      };
      let tickets = 0;
      for (const one of actions) {
        if (one === 'submit' || one === 'lazily') take(submit(++tickets, { lazy: one === 'lazily' }));
        else if (one === 'late') lateOnes();
        else answer(one);
      }
      take(step({ kind: 'press' }));
      for (let limit = 0; !isIdle(state) && limit < 100; limit += 1) answer('answer');
      const all = Array.from({ length: tickets }, (_, index) => index + 1);
      expect(told.toSorted((a, b) => a - b)).toEqual(all);
      expect(database.names.map(Number).toSorted((a, b) => a - b)).toEqual(all);
      expect(database.ids).toEqual(database.ids.toSorted((a, b) => a - b));
    }),
    { numRuns: 500 },
  );
});
