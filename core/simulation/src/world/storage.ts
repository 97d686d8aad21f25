import { createWriterState, stepWriter, type WriterEffect, type WriterHappening } from '@stackyard/server/engine';
import type { Change } from '@stackyard/server/engine';
import type { Process } from '../time/process.ts';
import type { Undo } from '../time/timeline.ts';
import type { Answer, Database } from './database.ts';
import { carryOut, type Happened, type Request } from './requests.ts';
import { passes } from './rows.ts';

interface Waiting {
  readonly request: Request;
  readonly answer: (happened: Happened | 'failed') => void;
}

/** The writer of a server, with the database behind it. */
export class Storage {
  readonly #process: Process;
  readonly #database: Database;
  readonly #epoch: number;
  readonly #state: ReturnType<typeof createWriterState>;
  readonly #wallMs: () => number;
  readonly #told: (tickets: readonly number[], outcome: 'committed' | 'dropped') => void;
  readonly #fenced: () => void;
  readonly #canceled: (jobId: string) => void;
  readonly #requests = new Map<number, Waiting>();
  #lastRequest = 0;
  #wake: Undo | undefined;

  constructor(options: {
    readonly process: Process;
    readonly database: Database;
    readonly epoch: number;
    readonly wallMs: () => number;
    readonly told: (tickets: readonly number[], outcome: 'committed' | 'dropped') => void;
    readonly fenced: () => void;
    readonly canceled: (jobId: string) => void;
  }) {
    this.#process = options.process;
    this.#database = options.database;
    this.#epoch = options.epoch;
    this.#wallMs = options.wallMs;
    this.#told = options.told;
    this.#fenced = options.fenced;
    this.#canceled = options.canceled;
    this.#state = createWriterState({ epoch: options.epoch, lazyMs: 20, patienceMs: 5_000 });
  }

  submit(ticket: number, change: Change, lazy: boolean): void {
    this.#happened({ kind: 'submit', ticket, change, lazy });
  }

  request(request: Request, answer: Waiting['answer']): void {
    this.#lastRequest += 1;
    this.#requests.set(this.#lastRequest, { request, answer });
    this.#happened({ kind: 'ask', id: this.#lastRequest });
  }

  #happened(event: WriterHappening): void {
    const times = { now: this.#process.now, at: new Date(this.#wallMs()) };
    for (const effect of stepWriter(this.#state, { ...event, ...times })) this.#carryOut(effect);
  }

  #carryOut(effect: WriterEffect): void {
    switch (effect.kind) {
      case 'gather':
        this.#process.later(0, () => this.#happened({ kind: 'gathered' }));
        return;
      case 'wake':
        this.#wake?.();
        this.#wake = this.#process.after(effect.afterMs + 1, () => this.#happened({ kind: 'woken' }));
        return;
      case 'execute': {
        const { commitNo, batch } = effect;
        this.#database.execute(this.#process, { epoch: this.#epoch, commitNo, batch }, (answer) =>
          this.#happened(executed(answer)),
        );
        return;
      }
      case 'look':
        this.#database.look(this.#process, (seen) =>
          this.#happened(seen ? { kind: 'seen', ...seen } : { kind: 'failed', refused: false }),
        );
        return;
      case 'transact':
        this.#transact(effect.id, effect.commitNo);
        return;
      case 'committed':
        this.#told(effect.tickets, 'committed');
        return;
      case 'dropped':
        this.#told(effect.tickets, 'dropped');
        return;
      case 'turnedAway':
        for (const id of effect.ids) this.#answer(id, 'failed');
        return;
      case 'fenced':
        this.#fenced();
        return;
    }
  }

  #transact(id: number, commitNo: number): void {
    const { request } = this.#requests.get(id)!;
    const epoch = this.#epoch;
    let happened: Happened = 'nothing';
    const work = (): 'done' | 'fenced' => {
      const { tables } = this.#database;
      if (!passes(tables, epoch, commitNo)) return 'fenced';
      tables.installation = { ...tables.installation, commitNo };
      happened = carryOut(tables, request);
      if (happened === 'changed' && request.kind === 'cancel') this.#canceled(request.jobId);
      if (happened === 'begun' && request.kind === 'submit') this.#database.tell(request.issued ?? [], { epoch });
      return 'done';
    };
    this.#database.transact(this.#process, work, (answer) => {
      const outcome = answer === 'done' ? 'committed' : answer === 'fenced' ? 'fenced' : 'failed';
      this.#happened({ kind: 'transacted', outcome, events: 0 });
      this.#answer(id, answer === 'done' ? happened : 'failed');
    });
  }

  #answer(id: number, happened: Happened | 'failed'): void {
    const waiting = this.#requests.get(id);
    this.#requests.delete(id);
    waiting?.answer(happened);
  }
}

function executed(answer: Answer): WriterHappening {
  switch (answer) {
    case 'done':
    case 'fenced':
      return { kind: 'executed', fenced: answer === 'fenced' };
    case 'refused':
    case 'failed':
      return { kind: 'failed', refused: answer === 'refused' };
  }
}
