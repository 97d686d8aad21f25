import {
  type AgentSays,
  createEngineState,
  type EngineEffect,
  type EngineState,
  type Happening,
  type HelloMessage,
  type KnownAttempt,
  loadedJob,
  stepEngine,
} from '@stackyard/server/engine';
import { isTerminal } from '@stackyard/domain';
import type { Settings } from '../scenario/scenario.ts';
import { type LocalClock, Process } from '../time/process.ts';
import type { Timeline } from '../time/timeline.ts';
import type { Trace } from '../time/trace.ts';
import type { Database } from './database.ts';
import { orderOf } from './envelope.ts';
import { START_MS } from './host.ts';
import { Inbox } from './inbox.ts';
import type { Wanted } from './ledger.ts';
import { LogIntake } from './logIntake.ts';
import { type Down, toAgent, toServer, type Up } from './messages.ts';
import type { Observer } from './observer.ts';
import type { Happened, Request } from './requests.ts';
import type { Tables } from './rows.ts';
import type { Shelf } from './shelf.ts';
import { refOf } from './spool.ts';
import { Storage } from './storage.ts';
import type { End, Stream } from './stream.ts';

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

interface Talk {
  readonly hostId: string;
  readonly stream: Stream<Up, Down>;
  readonly inbox: Inbox<Up>;
}

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
  readonly #talks = new Map<number, Talk>();
  readonly #envelopes = new Set<string>();
  readonly #building = new Set<string>();
  #state: EngineState | undefined;
  #storage: Storage | undefined;
  #epoch = 0;
  #lastStream = 0;
  #newestOf = new Map<string, number>();
  isUp = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.name = options.name;
    this.process = new Process(options.timeline, options.clock);
    this.logs = new LogIntake({ ...options, process: this.process });
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
    this.process.happen(() =>
      storage.request(request, (happened) => {
        if (happened === 'changed') this.#requested(request);
        then(happened);
      }),
    );
  }

  /** A new stream of a host; answers what stands at this end of it. */
  accept(hostId: string, streamOf: (end: End<Up>) => Stream<Up, Down>): void {
    const number = ++this.#lastStream;
    const inbox = new Inbox<Up>((up) => this.#hear(hostId, number, up));
    const stream = streamOf({
      process: this.process,
      received: (up) => this.#talks.get(number)?.inbox.take(up),
      closed: (clean) => this.#closed(number, clean),
    });
    this.#talks.set(number, { hostId, stream, inbox });
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
    this.#options.database.read(
      this.process,
      ({ hosts }) => [...hosts.values()].filter(({ id }) => hostId === undefined || id === hostId),
      (hosts) => {
        if (!hosts) return broke();
        for (const { id, name, clusterId, sessionNo, journalId, hostBootId, connected } of hosts) {
          const session = { sessionNo, journalId: journalId ?? undefined, hostBootId: hostBootId ?? undefined };
          this.#happened({ kind: 'host', hostId: id, name, clusterId, connected, ...session });
        }
        then();
      },
    );
  }

  #happened(happening: Happening): number {
    const state = this.#state!;
    const event = { ...happening, now: this.process.now, at: new Date(this.#wallMs()) };
    const effects = stepEngine(state, event);
    for (const effect of effects) this.#carryOut(effect);
    return effects.length;
  }

  #told(tickets: readonly number[], outcome: 'committed' | 'dropped'): void {
    for (const commit of tickets) this.#happened({ kind: outcome === 'committed' ? 'committed' : 'refused', commit });
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
        this.#prepare(effect.attemptId);
        return;
      case 'abandon':
        this.#envelopes.delete(effect.attemptId);
        this.#building.delete(effect.attemptId);
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
        this.#say(effect.stream, toAgent(message, this.#extras));
        return;
      }
      case 'dispatch': {
        if (!this.#envelopes.has(effect.attemptId)) return;
        trace.note(this.name, 'says dispatch', effect.attemptId);
        this.#say(effect.stream, { kind: 'dispatch', ...this.#orderOf(effect.attemptId) });
        return;
      }
      case 'close':
        trace.note(this.name, `closes ${effect.code}`, this.#talks.get(effect.stream)?.hostId);
        this.#leave(effect.stream);
        return;
      case 'alert':
        trace.note(this.name, 'ALERT', `${effect.sentence} ${effect.attemptId ?? ''}`);
        observer.see({ kind: 'said', by: this.name, text: effect.sentence });
        return;
      case 'log':
        observer.see({ kind: 'said', by: this.name, text: `${effect.sentence} ${JSON.stringify(effect.fields)}` });
        return;
      case 'watch':
      case 'components':
        return;
    }
  }

  /** What cannot be judged without the database makes the next message of the stream wait. */
  #hear(hostId: string, stream: number, up: Up): ((done: () => void) => void) | undefined {
    const message = toServer(up);
    this.#options.trace.note(this.name, `hears ${message.kind}`, 'id' in message ? message.id : hostId);
    if (message.kind === 'hello') return (done) => this.#greet(hostId, stream, message, done);
    const isNews = message.kind === 'accepted' || message.kind === 'started' || message.kind === 'result';
    if (!isNews || this.#state!.sessions.hosts.get(hostId)?.issued.has(message.id)) {
      this.#heard(hostId, stream, message, undefined);
      return undefined;
    }
    return (done) =>
      this.#options.database.read(this.process, knownAttempts(hostId, [message.id]), (known) => {
        if (known) this.#heard(hostId, stream, message, known.get(message.id));
        else this.#broke(hostId, stream);
        done();
      });
  }

  #heard(
    hostId: string,
    stream: number,
    message: Exclude<AgentSays, HelloMessage>,
    known: KnownAttempt | undefined,
  ): void {
    const superseded = (this.#newestOf.get(hostId) ?? 0) > stream;
    const effects = this.#happened({ kind: 'message', hostId, stream, message, known });
    if (!superseded) this.#options.heard(hostId, this);
    this.#options.observer.see({ kind: 'heard', by: this.name, message: message.kind, superseded, effects });
  }

  #greet(hostId: string, stream: number, hello: HelloMessage, done: () => void): void {
    const broke = (): void => {
      this.#broke(hostId, stream);
      done();
    };
    const judge = (): void => {
      const issued = this.#state!.sessions.hosts.get(hostId)?.issued;
      const unknown = hello.inventory.map(({ id }) => id).filter((id) => !issued?.has(id));
      this.#options.database.read(this.process, knownAttempts(hostId, unknown), (known) => {
        if (!known) return broke();
        // It may have gone while the database was asked.
        if (this.#talks.has(stream)) {
          this.#newestOf.set(hostId, Math.max(stream, this.#newestOf.get(hostId) ?? 0));
          this.#options.heard(hostId, this);
          this.#happened({ kind: 'hello', hostId, stream, hello, known });
        }
        done();
      });
    };
    this.#learnHosts(hostId, judge, broke);
  }

  /** Without the database nothing an agent says can be judged: it comes back and says it again. */
  #broke(hostId: string, stream: number): void {
    this.#happened({ kind: 'unjudged', hostId });
    this.#leave(stream);
    this.#happened({ kind: 'closed', hostId, stream, clean: false });
  }

  #closed(stream: number, clean: boolean): void {
    const talk = this.#talks.get(stream);
    this.#talks.delete(stream);
    if (talk && this.#state) this.#happened({ kind: 'closed', hostId: talk.hostId, stream, clean });
  }

  #say(stream: number, message: Down): void {
    this.#talks.get(stream)?.stream.down.send(message);
    if (message.kind !== 'dispatch') {
      this.#options.observer.see({ kind: 'said', by: this.name, text: JSON.stringify(message) });
    }
  }

  #leave(stream: number): void {
    this.#talks.get(stream)?.stream.leave('down', false);
    this.#talks.delete(stream);
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

  #prepare(attemptId: string): void {
    this.#building.add(attemptId);
    this.process.later(this.#options.buildMs(), () => {
      if (!this.#building.delete(attemptId)) return;
      this.#envelopes.add(attemptId);
      this.#happened({ kind: 'prepared', attemptId, hash: this.#orderOf(attemptId).hash });
    });
  }

  #orderOf(attemptId: string) {
    const ref = refOf(attemptId);
    return orderOf(ref, this.#options.wanted.get(ref.taskId)!.plan, this.#options.settings.killGraceMs);
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
    for (const { stream } of this.#talks.values()) stream.leave('down', false);
    this.#talks.clear();
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

function waitingJobs({ jobs }: Tables) {
  const waiting = [...jobs.values()].filter(({ state }) => !isTerminal(state));
  return waiting.toSorted((left, right) => left.position - right.position);
}

/** A copy, because the engine keeps the rows of what runs and changes them. */
function jobOf(jobId: string) {
  return ({ jobs, tasks, attempts }: Tables) => {
    const row = jobs.get(jobId);
    if (!row || isTerminal(row.state)) return { job: undefined };
    const ofJob = [...tasks.values()].filter((task) => task.jobId === jobId);
    const sorted = ofJob.map((task) => ({ ...task })).toSorted((left, right) => left.node - right.node);
    const tries = [...attempts.values()].filter((attempt) => attempt.jobId === jobId);
    return { job: loadedJob({ ...row }, sorted, tries) };
  };
}

const uncertain: ReadonlySet<unknown> = new Set<unknown>(['LOST', 'HOST_REBOOTED', 'AGENT_STATE_LOST']);

function knownAttempts(hostId: string, ids: readonly string[]) {
  return ({ attempts }: Tables): Map<string, KnownAttempt> => {
    const known = new Map<string, KnownAttempt>();
    for (const id of ids) {
      const row = attempts.get(id);
      if (row?.hostId !== hostId) continue;
      const state = row.state === 'PENDING' ? 'PENDING' : uncertain.has(row.reason) ? 'GIVEN_UP' : 'ENDED';
      known.set(id, { row: state, jobId: row.jobId });
    }
    return known;
  };
}
