import type { Reason } from '@stackyard/domain';
import type { Clock, Logger } from '@stackyard/kernel';
import type { ServerMessage } from '@stackyard/proto';
import type { Pool } from 'pg';
import { Alerts } from './alerts.ts';
import { ObservedComponents } from './components.ts';
import type { BlobSource } from './gateway/download.ts';
import { type Address, Gateway } from './gateway/gateway.ts';
import { lateChange, presenceChange, sessionChange } from './core/hostChanges.ts';
import { Inbox } from './inbox.ts';
import { type HostRecord, hostRecords, knownAttempts } from './rows.ts';
import type { EnvelopeSource, LogStore } from './ports.ts';
import type { AgentSays, AttemptResult, HelloMessage, SeenComponent } from './sessions/messages.ts';
import {
  createSessionsState,
  type Issued,
  type SessionEffect,
  type SessionEvent,
  type SessionsState,
} from './sessions/state.ts';
import { stepSessions } from './sessions/step.ts';
import { toWire, type WireTerms } from './sessions/wire.ts';
import type { EngineSettings } from './settings.ts';
import { WatchTeller } from './watchTeller.ts';
import type { Writer } from './writer/writer.ts';

export interface AgentsOptions {
  readonly sql: Pool;
  readonly epoch: number;
  readonly installId: string;
  readonly writer: Writer;
  readonly envelopes: EnvelopeSource;
  readonly logs: LogStore;
  readonly blobs: BlobSource;
  readonly log: Logger;
  readonly clock: Clock;
  readonly settings: EngineSettings;
  readonly onProgress: (attemptId: string, dispatch: 'ACCEPTED' | 'STARTED') => void;
  /** `told` is to be called when the end is committed. */
  readonly onResult: (attemptId: string, result: AttemptResult, told: () => void) => void;
  /** The dispatch of an issued attempt; undefined when it cannot be sent as it was issued. */
  readonly dispatchOf: (attemptId: string) => Promise<ServerMessage | undefined>;
  /** Whether dispatches may go to the host; `lost` when what waits for it is given up. */
  readonly onHost: (hostId: string, change: 'hostUp' | 'hostDown' | 'hostLost') => void;
}

/** How often it is written down that connected hosts were heard of. */
const SEEN_EVERY_MS = 30_000;

/** The agents of all hosts: feeds what they say into the sessions, and carries out what these ask for. */
export class AgentSessions {
  readonly #options: AgentsOptions;
  readonly #state: SessionsState;
  readonly #wire: WireTerms;
  readonly #gateway: Gateway;
  readonly #components: ObservedComponents;
  readonly #watch: WatchTeller;
  readonly #alerts: Alerts;
  readonly #inboxes = new Map<number, Inbox>();
  readonly #hosts = new Map<string, Pick<HostRecord, 'name' | 'clusterId'>>();
  #ticker: NodeJS.Timeout | undefined;
  #seenWritten = 0;
  #stopped = false;

  constructor(options: AgentsOptions) {
    this.#options = options;
    const { sql, epoch, installId, writer, logs, blobs, log, clock, envelopes } = options;
    const { leaseMs, lostAfterMs, heartbeatMs, killGraceMs } = options.settings;
    this.#state = createSessionsState({ installId, epoch, leaseMs, lostAfterMs });
    this.#wire = { installId, epoch, heartbeatMs, leaseMs, killGraceMs };
    this.#components = new ObservedComponents(sql);
    this.#alerts = new Alerts({ log, clock });
    this.#watch = new WatchTeller({
      watchedOn: (hostId) => envelopes.watchedOn(hostId),
      tell: (hostId, components) => this.#tell(hostId, { watchComponents: { components } }),
      log,
    });
    this.#gateway = new Gateway({
      sql,
      installId,
      events: writer,
      logs,
      blobs,
      log,
      clock,
      onMessages: (hostId, stream, messages) => this.#inbox(hostId, stream).take(messages),
      onClosed: (hostId, stream, clean) => {
        this.#inboxes.delete(stream);
        this.#step({ kind: 'closed', hostId, stream, clean, now: clock.monotonicMs() });
      },
      onJoined: (hostId) => this.#step({ kind: 'rejoined', hostId }),
    });
  }

  /** Knows every host from here on; what was issued to them before is given by `issued`. */
  async start(): Promise<void> {
    await this.#learnHosts();
    const { leaseMs, lostAfterMs } = this.#options.settings;
    this.#ticker = setInterval(() => this.#tick(), Math.max(10, Math.min(leaseMs, lostAfterMs, 4000) / 4)).unref();
  }

  listen(address: Address): Promise<{ port: number }> {
    return this.#gateway.listen(address);
  }

  async stop(): Promise<void> {
    this.#quiet();
    await this.#gateway.stop();
  }

  abandon(): void {
    this.#quiet();
    this.#gateway.abandon();
  }

  issued(hostId: string, attempt: Issued): void {
    this.#step({ kind: 'issued', hostId, attempt });
  }

  settled(hostId: string, id: string): void {
    this.#step({ kind: 'settled', hostId, id });
  }

  cancel(hostId: string, id: string, cause: Reason): void {
    this.#step({ kind: 'cancel', hostId, id, cause });
  }

  componentsChanged(hostId: string, removed?: string): void {
    if (removed !== undefined) this.#components.forget(removed);
    this.#watch.changed(hostId);
  }

  disconnect(hostId: string): void {
    this.#step({ kind: 'removed', hostId });
    this.#hosts.delete(hostId);
    this.#alerts.forget(hostId);
  }

  knows(hostId: string): boolean {
    return this.#state.hosts.has(hostId);
  }

  reachable(hostId: string): boolean {
    return this.#state.hosts.get(hostId)?.connected ?? false;
  }

  sessionOf(hostId: string): { readonly sessionNo: number; readonly journalId: string } | undefined {
    const { link, sessionNo = 0, journalId } = this.#state.hosts.get(hostId) ?? {};
    return link && journalId !== undefined ? { sessionNo, journalId } : undefined;
  }

  get connected(): number {
    return [...this.#state.hosts.values()].filter(({ link }) => link !== undefined).length;
  }

  #quiet(): void {
    this.#stopped = true;
    clearInterval(this.#ticker);
    this.#watch.stop();
  }

  async #learnHosts(hostId?: string): Promise<void> {
    const now = this.#options.clock.monotonicMs();
    for (const { id, name, clusterId, ...session } of await hostRecords(this.#options.sql, hostId)) {
      this.#hosts.set(id, { name, clusterId });
      this.#step({ kind: 'host', hostId: id, ...session, now });
    }
  }

  #tick(): void {
    const now = this.#options.clock.monotonicMs();
    this.#step({ kind: 'tick', now });
    if (now - this.#seenWritten < SEEN_EVERY_MS) return;
    this.#seenWritten = now;
    const lastSeenAt = this.#options.clock.now();
    const live = [...this.#state.hosts.values()].filter(({ link }) => link !== undefined);
    if (live.length > 0) this.#options.writer.submit({ hosts: live.map(({ hostId: id }) => ({ id, lastSeenAt })) });
  }

  #inbox(hostId: string, stream: number): Inbox {
    let inbox = this.#inboxes.get(stream);
    if (!inbox) {
      inbox = new Inbox((message) => this.#hear(hostId, stream, message));
      this.#inboxes.set(stream, inbox);
    }
    return inbox;
  }

  /** What cannot be judged without the database makes the next message of the stream wait. */
  #hear(hostId: string, stream: number, message: AgentSays): Promise<void> | undefined {
    if (this.#stopped) return undefined;
    if (message.kind === 'hello') {
      return this.#greet(hostId, stream, message).catch((error: unknown) => this.#broke(stream, error));
    }
    const now = this.#options.clock.monotonicMs();
    const late = message.kind === 'result' && this.#state.hosts.get(hostId)?.issued.has(message.id) === false;
    if (!late) {
      this.#step({ kind: 'message', hostId, stream, message, now });
      return undefined;
    }
    return knownAttempts(this.#options.sql, hostId, [message.id]).then(
      (known) => this.#step({ kind: 'message', hostId, stream, message, known: known.get(message.id), now }),
      (error: unknown) => this.#broke(stream, error),
    );
  }

  async #greet(hostId: string, stream: number, hello: HelloMessage): Promise<void> {
    await this.#learnHosts(hostId);
    const issued = this.#state.hosts.get(hostId)?.issued;
    const unknown = hello.inventory.map(({ id }) => id).filter((id) => !issued?.has(id));
    const known = await knownAttempts(this.#options.sql, hostId, unknown);
    // It may have gone while the database was asked.
    if (!this.#inboxes.has(stream)) return;
    this.#step({ kind: 'hello', hostId, stream, hello, known, now: this.#options.clock.monotonicMs() });
  }

  /** Without the database nothing an agent says can be judged: it comes back and says it again. */
  #broke(stream: number, error: unknown): void {
    this.#options.log.error({ err: error }, 'What an agent said could not be looked up');
    this.#gateway.close(stream, 'RECONCILE', 'The database does not answer. Come back later.');
  }

  #step(event: SessionEvent): void {
    if (this.#stopped) return;
    for (const effect of stepSessions(this.#state, event)) this.#carryOut(effect);
  }

  #carryOut(effect: SessionEffect): void {
    switch (effect.kind) {
      case 'send':
        this.#gateway.send(effect.stream, toWire(effect.message, this.#wire));
        return;
      case 'dispatch':
        void this.#dispatch(effect.stream, effect.id);
        return;
      case 'watch':
        this.#watch.changed(effect.hostId);
        return;
      case 'close':
        this.#inboxes.delete(effect.stream);
        this.#gateway.close(effect.stream, effect.code, effect.message);
        return;
      case 'progress':
        this.#options.onProgress(effect.id, effect.dispatch);
        return;
      case 'result':
        this.#options.onResult(effect.id, effect.result, () => this.#acknowledge(effect.ackOn, effect.id));
        return;
      case 'late':
        this.#recordLate(effect.id, effect.result, effect.ackOn);
        return;
      case 'session':
        this.#options.writer.submit(sessionChange(effect.hostId, effect.sessionNo, effect.hello));
        this.#changed(effect.hostId, 'connected', effect.appeared);
        return;
      case 'place':
        this.#options.writer.submit({ hosts: [{ id: effect.hostId, facts: effect.place.facts }] });
        return;
      case 'components':
        void this.#observe(effect.hostId, effect.components);
        return;
      case 'disconnected':
        this.#changed(effect.hostId, 'disconnected');
        return;
      case 'up':
        this.#options.onHost(effect.hostId, 'hostUp');
        return;
      case 'down':
        this.#options.onHost(effect.hostId, 'hostDown');
        return;
      case 'lost':
        this.#options.onHost(effect.hostId, 'hostLost');
        return;
      case 'alert':
        this.#alerts.tell(effect.hostId, effect.sentence, effect.id);
        return;
    }
  }

  #tell(hostId: string, message: ServerMessage): void {
    const link = this.#state.hosts.get(hostId)?.link;
    if (link) this.#gateway.send(link.stream, message);
  }

  #acknowledge(stream: number | undefined, id: string): void {
    if (stream !== undefined) this.#gateway.send(stream, toWire({ kind: 'resultAck', id }, this.#wire));
  }

  async #dispatch(stream: number, id: string): Promise<void> {
    const message = await this.#options.dispatchOf(id);
    if (message) this.#gateway.send(stream, message);
  }

  #recordLate(id: string, result: AttemptResult, ackOn: number): void {
    const { log, writer, clock } = this.#options;
    log.warn({ attemptId: id, reason: result.reason }, 'A result came after the attempt had ended');
    writer.submit(lateChange(id, result, clock.now()), () => this.#acknowledge(ackOn, id));
  }

  #changed(hostId: string, change: 'connected' | 'disconnected', isNews = true): void {
    const { name = '', clusterId } = this.#hosts.get(hostId) ?? {};
    const now = this.#options.clock.now();
    this.#options.writer.submit(presenceChange({ id: hostId, name, clusterId }, change, { isNews, now }));
  }

  async #observe(hostId: string, components: readonly SeenComponent[]): Promise<void> {
    try {
      this.#options.writer.submit(await this.#components.changes(hostId, components, this.#options.clock.now()));
    } catch (error) {
      this.#options.log.error({ err: error, hostId }, 'What an agent saw of its components could not be stored');
    }
  }
}
