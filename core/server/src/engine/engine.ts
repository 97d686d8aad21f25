import type { Reason } from '@stackyard/domain';
import type { Clock, Logger } from '@stackyard/kernel';
import type { Database } from '../database/openDatabase.ts';
import type { EpochLostError } from '../database/errors.ts';
import { ObservedComponents } from './components.ts';
import { Dispatcher } from './dispatcher.ts';
import type { BlobSource } from './gateway/download.ts';
import { type Address, Gateway } from './gateway/gateway.ts';
import { Inbox } from './inbox.ts';
import { knownAttempts, waitingJobs } from './jobs.ts';
import type { Engine, EnvelopeSource, LogStore } from './ports.ts';
import { retryJob } from './retry.ts';
import type { AgentSays, AttemptResult, Place, SeenComponent } from './sessions/messages.ts';
import { createSessionsState, type SessionEffect, type SessionEvent } from './sessions/state.ts';
import { stepSessions } from './sessions/step.ts';
import { refOf, toWire, type WireTerms } from './sessions/wire.ts';
import { defaultSettings, type EngineSettings } from './settings.ts';
import type { Histogram } from './writer/histogram.ts';
import { Writer } from './writer/writer.ts';

export interface EngineOptions {
  readonly db: Database;
  readonly epoch: number;
  readonly installId: string;
  readonly envelopes: EnvelopeSource;
  readonly logs: LogStore;
  /** Where downloads look for a digest. */
  readonly blobs: BlobSource;
  readonly log: Logger;
  readonly clock: Clock;
  readonly settings?: Partial<EngineSettings>;
  /** The writer to use, when others were given it before; else the engine makes its own. */
  readonly writer?: Writer;
  /** Another server has taken over the database: this one must end. */
  readonly onFenced?: (error: EpochLostError) => void;
}

export interface EngineStats {
  readonly connectedAgents: number;
  readonly queuedJobs: number;
  readonly runningJobs: number;
  readonly runningTasks: number;
  /** Attempts that ended since the start, by state. */
  readonly endedAttempts: Readonly<Record<string, number>>;
  readonly commitMs: Histogram;
}

export interface RunningEngine extends Engine {
  /** Takes agents there. */
  listen(address: Address): Promise<{ port: number }>;
  stats(): EngineStats;
  /** Drops everything as a killed process would. */
  abandon(): void;
  /** The outbox, and transactions of others in commit order. */
  readonly events: Writer;
}

/** How long to wait for more changes before an agent is told what to watch. */
const WATCH_DELAY_MS = 50;

export function createEngine(options: EngineOptions): RunningEngine {
  return new StackyardEngine(options);
}

class StackyardEngine implements RunningEngine {
  readonly events: Writer;
  readonly #options: EngineOptions;
  readonly #settings: EngineSettings;
  readonly #sessions;
  readonly #wire: WireTerms;
  readonly #dispatcher: Dispatcher;
  readonly #gateway: Gateway;
  readonly #components: ObservedComponents;
  readonly #inboxes = new Map<number, Inbox>();
  readonly #hosts = new Map<string, { readonly name: string; clusterId: string | undefined }>();
  readonly #watches = new Map<string, NodeJS.Timeout>();
  #ticker: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#settings = { ...defaultSettings, ...options.settings };
    const { db, epoch, installId, log, clock, logs, blobs, envelopes } = options;
    const { leaseMs, lostAfterMs, heartbeatMs, killGraceMs, tasksPerHost } = this.#settings;
    this.#sessions = createSessionsState({ installId, epoch, leaseMs, lostAfterMs });
    this.#wire = { installId, epoch, heartbeatMs, leaseMs, killGraceMs };
    this.#components = new ObservedComponents(db.sql);
    this.events = options.writer ?? new Writer({ db, epoch, log, clock, onFenced: (error) => this.#fenced(error) });
    this.#dispatcher = new Dispatcher({
      sql: db.sql,
      epoch,
      writer: this.events,
      envelopes,
      log,
      clock,
      tasksPerHost,
      sessionOf: (hostId) => this.#sessionOf(hostId),
      onIssued: (hostId, attempt) => this.#session({ kind: 'issued', hostId, attempt }),
      onStop: (hostId, id, cause) => this.#session({ kind: 'cancel', hostId, id, cause }),
      onSettled: (hostId, id) => this.#session({ kind: 'settled', hostId, id }),
      onComponentsChanged: (hostId, removed) => {
        if (removed !== undefined) this.#components.forget(removed);
        this.refreshWatch(hostId);
      },
    });
    this.#gateway = new Gateway({
      sql: db.sql,
      installId,
      events: this.events,
      logs,
      blobs,
      log,
      clock,
      onMessages: (hostId, stream, messages) => this.#inbox(hostId, stream).take(messages),
      onClosed: (hostId, stream, clean) => {
        this.#inboxes.delete(stream);
        this.#session({ kind: 'closed', hostId, stream, clean, now: clock.monotonicMs() });
      },
      // A new secret ends what was authenticated by the old one.
      onJoined: (hostId) => this.#session({ kind: 'rejoined', hostId }),
    });
  }

  async start(): Promise<void> {
    await this.#learnHosts();
    const jobs = await waitingJobs(this.#options.db.sql);
    for (const { id, clusterId, position } of jobs) {
      this.#dispatcher.schedule({ kind: 'queued', jobId: id, clusterId, position });
    }
    for (const { id, cancelRequested } of jobs) {
      if (cancelRequested) this.#dispatcher.schedule({ kind: 'cancel', jobId: id });
    }
    await this.#dispatcher.loaded();
    for (const { hostId, attempt } of this.#dispatcher.issued()) this.#session({ kind: 'issued', hostId, attempt });
    const everyMs = Math.max(10, Math.min(this.#settings.leaseMs, this.#settings.lostAfterMs, 4000) / 4);
    this.#ticker = setInterval(() => this.#session({ kind: 'tick', now: this.#options.clock.monotonicMs() }), everyMs);
    this.#ticker.unref();
  }

  listen(address: Address): Promise<{ port: number }> {
    return this.#gateway.listen(address);
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#quiet();
    await this.#gateway.stop();
    this.#dispatcher.stop();
    if (!this.#options.writer) await this.events.stop();
  }

  abandon(): void {
    this.#quiet();
    this.#dispatcher.stop();
    this.#gateway.abandon();
    this.events.abandon();
  }

  wake(clusterId: string): void {
    waitingJobs(this.#options.db.sql, clusterId).then(
      (jobs) => {
        for (const { id, position } of jobs)
          this.#dispatcher.schedule({ kind: 'queued', jobId: id, clusterId, position });
      },
      (error: unknown) => {
        this.#options.log.error(
          { err: error, clusterId },
          'The queue of a cluster could not be read; it will be tried again',
        );
        if (!this.#stopped) setTimeout(() => !this.#stopped && this.wake(clusterId), 1000).unref();
      },
    );
  }

  async cancel(jobId: string): Promise<void> {
    const clusterId = await this.events.run(async ({ em }) => {
      const rows = await em.execute<{ clusterId: string; position: string }[]>(
        `update job set cancel_requested = true where id = ? and state in ('PENDING', 'RUNNING')
         returning cluster_id as "clusterId"`,
        [jobId],
      );
      return rows[0]?.clusterId;
    });
    if (clusterId === undefined) return;
    if (!this.#dispatcher.knows(jobId)) {
      const jobs = await waitingJobs(this.#options.db.sql, clusterId);
      for (const { id, position } of jobs)
        this.#dispatcher.schedule({ kind: 'queued', jobId: id, clusterId, position });
    }
    this.#dispatcher.schedule({ kind: 'cancel', jobId });
    await this.#dispatcher.loaded();
    await this.events.commit({});
  }

  async retry(jobId: string): Promise<void> {
    const clusterId = await retryJob(this.events, jobId);
    this.wake(clusterId);
  }

  refreshWatch(hostId: string): void {
    if (this.#stopped || this.#watches.has(hostId)) return;
    const timer = setTimeout(() => {
      this.#watches.delete(hostId);
      void this.#sendWatch(hostId);
    }, WATCH_DELAY_MS);
    timer.unref();
    this.#watches.set(hostId, timer);
  }

  disconnect(hostId: string): void {
    this.#session({ kind: 'removed', hostId });
    this.#hosts.delete(hostId);
  }

  reachable(hostId: string): boolean {
    return this.#sessions.hosts.get(hostId)?.connected ?? false;
  }

  stats(): EngineStats {
    let connectedAgents = 0;
    for (const { link } of this.#sessions.hosts.values()) if (link) connectedAgents += 1;
    return { connectedAgents, ...this.#dispatcher.stats(), commitMs: this.events.stats().commitMs };
  }

  #quiet(): void {
    this.#stopped = true;
    clearInterval(this.#ticker);
    for (const timer of this.#watches.values()) clearTimeout(timer);
    this.#watches.clear();
  }

  #fenced(error: EpochLostError): void {
    this.#options.log.fatal({ err: error }, 'Another server has taken over the database');
    this.#quiet();
    this.#dispatcher.stop();
    this.#gateway.abandon();
    this.#options.onFenced?.(error);
  }

  async #learnHosts(hostId?: string): Promise<void> {
    const { rows } = await this.#options.db.sql.query<{
      id: string;
      name: string;
      clusterId: string | null;
      sessionNo: number;
      journalId: string | null;
      connected: boolean;
    }>(
      `select id, name, cluster_id as "clusterId", session_no as "sessionNo", journal_id as "journalId", connected
       from host ${hostId === undefined ? '' : 'where id = $1'}`,
      hostId === undefined ? [] : [hostId],
    );
    const now = this.#options.clock.monotonicMs();
    for (const { id, name, clusterId, sessionNo, journalId, connected } of rows) {
      this.#hosts.set(id, { name, clusterId: clusterId ?? undefined });
      this.#session({ kind: 'host', hostId: id, sessionNo, journalId: journalId ?? undefined, connected, now });
    }
  }

  #sessionOf(hostId: string): { sessionNo: number; journalId: string } | undefined {
    const host = this.#sessions.hosts.get(hostId);
    return host?.link && host.journalId !== undefined
      ? { sessionNo: host.sessionNo, journalId: host.journalId }
      : undefined;
  }

  #inbox(hostId: string, stream: number): Inbox {
    let inbox = this.#inboxes.get(stream);
    if (!inbox) {
      inbox = new Inbox((message) => this.#hear(hostId, stream, message));
      this.#inboxes.set(stream, inbox);
    }
    return inbox;
  }

  #hear(hostId: string, stream: number, message: AgentSays): Promise<void> | undefined {
    const now = this.#options.clock.monotonicMs();
    const host = this.#sessions.hosts.get(hostId);
    if (message.kind === 'hello')
      return this.#greet(hostId, stream, message).catch((error: unknown) => this.#broke(stream, error));
    if (message.kind === 'result' && host && !host.issued.has(message.id)) {
      return knownAttempts(this.#options.db.sql, hostId, [message.id]).then(
        (known) => this.#session({ kind: 'message', hostId, stream, message, known: known.get(message.id), now }),
        (error: unknown) => this.#broke(stream, error),
      );
    }
    this.#session({ kind: 'message', hostId, stream, message, now });
    return undefined;
  }

  async #greet(hostId: string, stream: number, hello: Extract<AgentSays, { kind: 'hello' }>): Promise<void> {
    await this.#learnHosts(hostId);
    const issued = this.#sessions.hosts.get(hostId)?.issued;
    const unknown = hello.inventory.map(({ id }) => id).filter((id) => !issued?.has(id));
    const known = await knownAttempts(this.#options.db.sql, hostId, unknown);
    // It may have gone while the database was asked.
    if (!this.#inboxes.has(stream)) return;
    this.#session({ kind: 'hello', hostId, stream, hello, known, now: this.#options.clock.monotonicMs() });
  }

  /** Without the database nothing an agent says can be judged: it comes back and says it again. */
  #broke(stream: number, error: unknown): void {
    this.#options.log.error({ err: error }, 'What an agent said could not be looked up');
    this.#gateway.close(stream, 'RECONCILE', 'The database does not answer. Come back later.');
  }

  #session(event: SessionEvent): void {
    if (this.#stopped) return;
    for (const effect of stepSessions(this.#sessions, event)) this.#carryOut(effect);
  }

  #carryOut(effect: SessionEffect): void {
    const { log } = this.#options;
    switch (effect.kind) {
      case 'send':
        this.#gateway.send(effect.stream, toWire(effect.message, this.#wire));
        return;
      case 'dispatch':
        this.#dispatch(effect.stream, effect.id);
        return;
      case 'watch':
        void this.#sendWatch(effect.hostId);
        return;
      case 'close':
        this.#inboxes.delete(effect.stream);
        this.#gateway.close(effect.stream, effect.code, effect.message);
        return;
      case 'progress':
        this.#dispatcher.progressed(effect.id, effect.dispatch);
        return;
      case 'result':
        this.#dispatcher.ended(effect.id, effect.result, () => this.#acknowledge(effect.ackOn, effect.id));
        return;
      case 'late':
        this.#recordLate(effect.id, effect.result, effect.ackOn);
        return;
      case 'session':
        this.#sessionBegan(effect);
        return;
      case 'place':
        this.events.submit({ hosts: [{ id: effect.hostId, facts: effect.place.facts }] });
        return;
      case 'components':
        void this.#observe(effect.hostId, effect.components);
        return;
      case 'disconnected':
        this.#changed(effect.hostId, 'disconnected');
        return;
      case 'up':
        this.#dispatcher.schedule({ kind: 'hostUp', hostId: effect.hostId });
        return;
      case 'down':
        this.#dispatcher.schedule({ kind: 'hostDown', hostId: effect.hostId });
        return;
      case 'lost':
        this.#dispatcher.schedule({ kind: 'hostLost', hostId: effect.hostId });
        return;
      case 'alert':
        log.error({ hostId: effect.hostId, attemptId: effect.id, what: effect.sentence }, 'The protocol was not kept');
        return;
    }
  }

  #acknowledge(stream: number | undefined, id: string): void {
    if (stream !== undefined) this.#gateway.send(stream, toWire({ kind: 'resultAck', id }, this.#wire));
  }

  #recordLate(id: string, { reason, message, exitCode }: AttemptResult, ackOn: number): void {
    this.#options.log.warn({ attemptId: id, reason }, 'A result came after the attempt had been given up');
    const at = this.#options.clock.now().toISOString();
    const late = { ...(reason === undefined ? {} : { reason }), ...(message === '' ? {} : { message }), exitCode, at };
    this.events.submit({ late: [{ id, late }] }, () => this.#acknowledge(ackOn, id));
  }

  #sessionBegan({ hostId, sessionNo, hello, appeared }: Extract<SessionEffect, { kind: 'session' }>): void {
    const { journalId, hostBootId, agentBootId, agentVersion } = hello;
    const place: Place | undefined = hello.place;
    const { address = '', bind = '', root = '', local = false } = place ?? {};
    const session = { sessionNo, journalId, hostBootId, agentBootId, agentVersion, address, bind, root, local };
    this.events.submit({ hosts: [{ id: hostId, session, ...(place ? { facts: place.facts } : {}) }] });
    this.#changed(hostId, 'connected', appeared);
  }

  #changed(hostId: string, change: 'connected' | 'disconnected', isNews = true): void {
    const host = this.#hosts.get(hostId);
    const patch = { id: hostId, connected: change === 'connected', lastSeenAt: this.#options.clock.now() };
    const payload = { kind: 'host', hostId, name: host?.name ?? '', change } as const;
    const event = { topic: 'host', clusterId: host?.clusterId, payload } as const;
    this.events.submit({ hosts: [patch], events: isNews ? [event] : [] });
  }

  async #observe(hostId: string, components: readonly SeenComponent[]): Promise<void> {
    try {
      this.events.submit(await this.#components.changes(hostId, components, this.#options.clock.now()));
    } catch (error) {
      this.#options.log.error({ err: error, hostId }, 'What an agent saw of its components could not be stored');
    }
  }

  #dispatch(stream: number, id: string): void {
    const giveUp = (message: string): void => {
      this.#dispatcher.ended(id, { ...lostBeforeSent, message });
    };
    this.#dispatcher.envelope(id).then(
      (envelope) => {
        if (!envelope)
          return giveUp('The command could not be built again as it was before the server restarted. Retry the job.');
        const { bytes, hash } = envelope;
        const dispatch = { attempt: refOf(id), envelopeHash: Buffer.from(hash, 'hex'), envelope: bytes };
        this.#gateway.send(stream, { dispatch });
      },
      (error: unknown) =>
        giveUp(`The command could not be built again: ${error instanceof Error ? error.message : String(error)}`),
    );
  }

  async #sendWatch(hostId: string): Promise<void> {
    try {
      const components = await this.#options.envelopes.watchedOn(hostId);
      const link = this.#sessions.hosts.get(hostId)?.link;
      if (link) this.#gateway.send(link.stream, { watchComponents: { components } });
    } catch (error) {
      this.#options.log.error({ err: error, hostId }, 'An agent could not be told what to watch');
    }
  }
}

const lostBeforeSent: Omit<AttemptResult, 'message'> & { readonly reason: Reason } = {
  reason: 'LOST',
  exitCode: 0,
  signal: '',
  startedAtMs: 0,
  durationMs: 0,
  logSize: 0,
  outputs: {},
  applied: {},
};
