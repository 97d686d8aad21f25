import {
  type AttemptWrite,
  createEngineState,
  type EngineEffect,
  type EngineState,
  firstTasks,
  type Happening,
  issuedFirst,
  loadedJob,
  stepEngine,
} from '@stackyard/server/engine';
import type { Settings } from '../scenario/scenario.ts';
import { type LocalClock, Process } from '../time/process.ts';
import type { Timeline } from '../time/timeline.ts';
import type { Trace } from '../time/trace.ts';
import type { Database } from './database.ts';
import { Envelopes } from './envelopes.ts';
import { START_MS } from './host.ts';
import type { Wanted } from './ledger.ts';
import { LogIntake } from './logIntake.ts';
import { toAgent } from './messages.ts';
import type { Observer } from './observer.ts';
import { hostRecords, jobOf, waitingJobs } from './queries.ts';
import { begun, type Happened, type Request } from './requests.ts';
import type { Shelf } from './shelf.ts';
import { Storage } from './storage.ts';
import { Talks } from './talks.ts';

export interface ServerOptions {
  readonly name: string;
  readonly timeline: Timeline;
  readonly clock: LocalClock;
  readonly settings: Settings;
  readonly database: Database;
  readonly trace: Trace;
  readonly observer: Observer;
  readonly wanted: ReadonlyMap<string, Wanted>;
  /** The disk of its machine. */
  readonly shelf: Shelf;
  readonly diskMs: () => number;
  /** How long an envelope takes to be built. */
  readonly buildMs: () => number;
  /** It takes agents from now on. */
  readonly up: (server: SimServer) => void;
  /** It ended by itself: fenced, or because the database did not answer at the start. */
  readonly ended: (server: SimServer) => void;
  /** It heard of a host. */
  readonly heard: (hostId: string, server: SimServer) => void;
}

type Submission = Extract<Request, { kind: 'submit' }>;

const LOAD_AGAIN_MS = 1_000;
const LOOK_MS = 10_000;
/** From its start to the first connection. */
const START_UP_MS = 1_000;

/** A server process: the real engine and writer, and adapters as thin as the real ones. */
export class SimServer {
  readonly name: string;
  readonly process: Process;
  readonly logs: LogIntake;
  readonly #options: ServerOptions;
  readonly #talks: Talks;
  readonly #envelopes: Envelopes;
  #state: EngineState | undefined;
  #storage: Storage | undefined;
  #epoch = 0;
  isUp = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.name = options.name;
    this.process = new Process(options.timeline, options.clock);
    const { process } = this;
    this.logs = new LogIntake({ ...options, process });
    this.#envelopes = new Envelopes({ ...options, process });
    this.#talks = new Talks({
      ...options,
      process,
      state: () => this.#state,
      happened: (happening) => this.#happened(happening),
      learnHost: (hostId, then, broke) => this.#learnHosts(hostId, then, broke),
      heardOf: (hostId) => options.heard(hostId, this),
    });
    this.process.later(START_UP_MS, () => this.#begin());
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** kill -9. */
  kill(): void {
    if (!this.process.alive) return;
    this.#options.trace.note(this.name, 'is killed');
    this.#end();
  }

  request(request: Request, then: (happened: Happened | 'failed') => void): void {
    const storage = this.#storage;
    if (!this.isUp || !storage) return then('failed');
    this.process.happen(() => {
      const asked = request.kind === 'submit' ? { ...request, issued: this.#issuable(request) } : request;
      storage.request(asked, (happened) => {
        if (happened === 'begun' && asked.kind === 'submit') this.#stored(asked);
        else if (happened === 'changed') this.#requested(request);
        then(happened);
      });
    });
  }

  accept(...stream: Parameters<Talks['accept']>): void {
    this.#talks.accept(...stream);
  }

  #begin(): void {
    const { database, settings } = this.#options;
    const unixSeconds = Math.floor(this.#wallMs() / 1000);
    database.transact(
      this.process,
      () => {
        const { installId, epoch } = database.tables.installation;
        this.#epoch = Math.max(epoch + 1, unixSeconds);
        database.tables.installation = { installId, epoch: this.#epoch, commitNo: 0 };
        return 'done';
      },
      (answer) => {
        if (answer !== 'done') return this.#giveUp();
        const { installId } = database.tables.installation;
        const { heartbeatMs, leaseMs, lostAfterMs, killGraceMs, tasksPerHost } = settings;
        this.#state = createEngineState({
          installId,
          epoch: this.#epoch,
          heartbeatMs,
          leaseMs,
          lostAfterMs,
          killGraceMs,
          tasksPerHost,
        });
        this.#storage = new Storage({
          process: this.process,
          database,
          epoch: this.#epoch,
          wallMs: () => this.#wallMs(),
          told: (tickets, outcome) => this.#told(tickets, outcome),
          fenced: () => this.#giveUp(),
          canceled: (jobId) => this.#options.observer.see({ kind: 'canceled', jobId }),
        });
        this.#readRows();
      },
    );
  }

  #readRows(): void {
    const readJobs = (): void =>
      this.#readQueues(() => {
        this.isUp = true;
        this.#options.trace.note(this.name, 'is up', `epoch ${this.#epoch}`);
        this.#options.up(this);
        this.#tick();
        this.#lookAtQueues();
      });
    this.#learnHosts(undefined, readJobs, () => this.#giveUp());
  }

  #tick(): void {
    this.process.after(this.#options.settings.leaseMs / 5, () => {
      this.#happened({ kind: 'tick' });
      this.#tick();
    });
  }

  #learnHosts(hostId: string | undefined, then: () => void, broke: () => void): void {
    this.#options.database.read(this.process, hostRecords(hostId), (hosts) => {
      if (!hosts) return broke();
      for (const host of hosts) this.#happened({ kind: 'host', ...host });
      then();
    });
  }

  #happened(happening: Happening): number {
    const state = this.#state!;
    const event = { ...happening, now: this.process.now, at: new Date(this.#wallMs()) };
    const effects = stepEngine(state, event);
    for (const effect of effects) this.#carryOut(effect);
    return effects.length;
  }

  #told(tickets: readonly number[], outcome: 'committed' | 'dropped'): void {
    if (outcome === 'dropped') for (const commit of tickets) this.#happened({ kind: 'refused', commit });
    // The newest of a statement's commits speaks for all.
    else if (tickets.length > 0) this.#happened({ kind: 'committed', commit: Math.max(...tickets) });
  }

  #carryOut(effect: EngineEffect): void {
    const { trace, observer } = this.#options;
    switch (effect.kind) {
      case 'commit':
        this.#storage!.submit(effect.commit, effect.change, effect.lazy);
        return;
      case 'load':
        this.#load(effect.jobId);
        return;
      case 'prepare':
        this.#envelopes.build(effect.attemptId, (hash) =>
          this.#happened({ kind: 'prepared', envelopes: [{ attemptId: effect.attemptId, hash }] }),
        );
        return;
      case 'abandon':
        this.#envelopes.drop(effect.attemptId);
        return;
      case 'release':
        trace.note(this.name, `job ${effect.state}`, effect.jobId);
        return;
      case 'send': {
        const { message } = effect;
        trace.note(this.name, `says ${message.kind}`, 'id' in message ? message.id : '');
        if (message.kind === 'resultAck') {
          observer.see({ kind: 'acknowledged', attemptId: message.id, epoch: this.#epoch });
        }
        this.#talks.say(effect.stream, toAgent(message, this.#extras));
        return;
      }
      case 'dispatch': {
        const order = this.#envelopes.of(effect.attemptId);
        if (!order) return;
        trace.note(this.name, 'says dispatch', effect.attemptId);
        this.#talks.say(effect.stream, { kind: 'dispatch', ...order });
        return;
      }
      case 'close':
        trace.note(this.name, `closes ${effect.code}`, this.#talks.hostOf(effect.stream));
        this.#talks.leave(effect.stream);
        return;
      case 'alert':
        trace.note(this.name, 'ALERT', `${effect.sentence} ${effect.attemptId ?? ''}`);
        observer.see({ kind: 'said', by: this.name, text: effect.sentence });
        return;
      case 'log':
        observer.see({ kind: 'said', by: this.name, text: `${effect.sentence} ${JSON.stringify(effect.fields)}` });
        return;
      case 'over':
      case 'watch':
      case 'components':
        return;
    }
  }

  #load(jobId: string): void {
    this.#options.database.read(this.process, jobOf(jobId), (found) => {
      if (!found) {
        this.process.after(LOAD_AGAIN_MS, () => this.#load(jobId));
        return;
      }
      this.#happened(found.job ? { kind: 'loaded', job: found.job } : { kind: 'gone', jobId });
    });
  }

  #issuable({ job, tasks }: Submission): readonly AttemptWrite[] {
    const draft = loadedJob({ ...job }, tasks, []);
    const at = new Date(this.#wallMs());
    return firstTasks(this.#state!, draft).flatMap((node) => {
      const attempt = draft.attempts[node]!;
      const envelope = this.#envelopes.foresee(attempt.id);
      return issuedFirst(this.#state!, attempt, { envelope, at }) ?? [];
    });
  }

  /** As its statement answers: with the rows as they were stored. */
  #stored(request: Submission & { readonly issued: readonly AttemptWrite[] }): void {
    const { job, tasks, attempts } = begun(request, request.issued);
    const { position } = this.#options.database.tables.jobs.get(job.id)!;
    for (const { id } of attempts) this.#envelopes.keep(id);
    const issued = attempts.map((attempt) => ({ attempt, envelope: this.#envelopes.foresee(attempt.id) }));
    const rows = { row: { ...job, position }, tasks: tasks.map((task) => ({ ...task })) };
    this.#happened({ kind: 'stored', ...rows, issued });
  }

  #requested(request: Request): void {
    this.#readQueues(() => {
      if (request.kind === 'cancel') this.#happened({ kind: 'cancel', jobId: request.jobId });
    });
  }

  /** What was committed by a request of which nobody heard the answer is found as well. */
  #lookAtQueues(): void {
    this.process.after(LOOK_MS, () => this.#readQueues(() => this.#lookAtQueues()));
  }

  #readQueues(then: () => void): void {
    this.#options.database.read(this.process, waitingJobs, (jobs) => {
      if (!jobs) {
        this.process.after(LOAD_AGAIN_MS, () => this.#readQueues(then));
        return;
      }
      for (const { id: jobId, clusterId, position } of jobs) {
        this.#happened({ kind: 'queued', jobId, clusterId, position });
      }
      for (const { id: jobId, cancelRequested } of jobs) {
        if (cancelRequested) this.#happened({ kind: 'cancel', jobId });
      }
      then();
    });
  }

  #giveUp(): void {
    if (!this.process.alive) return;
    this.#options.trace.note(this.name, 'ends by itself');
    this.#end();
    this.#options.ended(this);
  }

  #end(): void {
    this.process.kill();
    this.isUp = false;
    this.#talks.leaveAll();
    this.logs.leave();
  }

  #wallMs(): number {
    return START_MS + this.#options.timeline.now;
  }

  get #extras() {
    const { killGraceMs } = this.#options.settings;
    const { installId } = this.#options.database.tables.installation;
    return { installId, epoch: this.#epoch, killGraceMs };
  }
}
