import type { Clock, Logger } from '@stackyard/kernel';
import type { AgentUpdate, ServerMessage } from '@stackyard/proto';
import type { Pool } from 'pg';
import { Alerts } from './alerts.ts';
import { ObservedComponents } from './components.ts';
import type { EngineState } from './core/state.ts';
import type { AgentEffect, AgentSide, EngineDriver } from './driver.ts';
import type { BlobSource } from './gateway/download.ts';
import type { OpenSecret } from './gateway/secrets.ts';
import { type Address, Gateway } from './gateway/gateway.ts';
import { Inbox } from './inbox.ts';
import { hostRecords, knownAttempts } from './rows.ts';
import type { EnvelopeSource, LogStore } from './ports.ts';
import type { AgentSays, HelloMessage, SeenComponent } from './sessions/messages.ts';
import { refOf, toWire, type WireTerms } from './sessions/wire.ts';
import type { EngineSettings } from './settings.ts';
import { WatchTeller } from './watchTeller.ts';
import type { Writer } from './writer/writer.ts';
import type { Identity } from '../identity/identity.ts';

export interface AgentsOptions {
  readonly sql: Pool;
  readonly epoch: number;
  readonly identity: Identity;
  readonly writer: Writer;
  readonly envelopes: EnvelopeSource;
  readonly logs: LogStore;
  readonly blobs: BlobSource;
  readonly openSecret: OpenSecret;
  readonly log: Logger;
  readonly clock: Clock;
  readonly settings: EngineSettings;
  /** Says what happened, and knows what is known. */
  readonly driver: Pick<EngineDriver, 'happened' | 'state'>;
  /** The envelope of an issued attempt, as it was built. */
  readonly envelopeOf: (attemptId: string) => Buffer | undefined;
}

/** The agents of all hosts: tells the engine what they say, and brings them what it has for them. */
export class AgentSessions implements AgentSide {
  readonly #options: AgentsOptions;
  readonly #wire: WireTerms;
  readonly #gateway: Gateway;
  readonly #components: ObservedComponents;
  readonly #watch: WatchTeller;
  readonly #alerts: Alerts;
  readonly #inboxes = new Map<number, Inbox>();
  #ticker: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: AgentsOptions) {
    this.#options = options;
    const { sql, epoch, identity, logs, blobs, openSecret, log, clock, envelopes, driver } = options;
    const { installId } = identity;
    const { killGraceMs, greeting } = options.settings;
    this.#wire = { installId, epoch, killGraceMs };
    this.#components = new ObservedComponents(sql);
    this.#alerts = new Alerts({ log, clock });
    this.#watch = new WatchTeller({
      watchedOn: (hostId) => envelopes.watchedOn(hostId),
      streamOf: (hostId) => driver.state.sessions.hosts.get(hostId)?.link?.stream,
      tell: (stream, components) => this.#gateway.send(stream, { watchComponents: { components } }),
      log,
    });
    this.#gateway = new Gateway({
      sql,
      identity,
      greeting,
      logs,
      blobs,
      openSecret,
      log,
      clock,
      onMessages: (hostId, stream, messages) => this.#inbox(hostId, stream).take(messages),
      onClosed: (hostId, stream, clean) => {
        this.#inboxes.delete(stream);
        driver.happened({ kind: 'closed', hostId, stream, clean });
      },
      onCut: (hostId) => driver.happened({ kind: 'hostRevoked', hostId }),
    });
  }

  /** Knows every host from here on. */
  async start(): Promise<void> {
    await this.#learnHosts();
    const { leaseMs, lostAfterMs } = this.#options.settings;
    const { driver } = this.#options;
    this.#ticker = setInterval(
      () => driver.happened({ kind: 'tick' }),
      Math.max(10, Math.min(leaseMs, lostAfterMs, 4000) / 4),
    ).unref();
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

  /** The components of a host changed: tell its agent what to watch. */
  watchChanged(hostId: string, removed?: string): void {
    if (removed !== undefined) this.#components.forget(removed);
    this.#watch.changed(hostId);
  }

  update(hostId: string, update: AgentUpdate): void {
    this.#tell(hostId, { update });
  }

  rejoined(hostId: string): void {
    this.#options.driver.happened({ kind: 'hostRejoined', hostId });
    this.#gateway.cut(hostId, 'The host joined again with a new certificate.');
  }

  revoked(hostId: string): void {
    this.#options.driver.happened({ kind: 'hostRevoked', hostId });
    this.#gateway.cut(hostId, 'The certificate of the host was revoked.');
  }

  disconnect(hostId: string): void {
    this.#options.driver.happened({ kind: 'hostRemoved', hostId });
    this.#gateway.cut(hostId, 'The host was removed.');
    this.#alerts.forget(hostId);
    this.#watch.forget(hostId);
  }

  #quiet(): void {
    this.#stopped = true;
    clearInterval(this.#ticker);
    this.#watch.stop();
  }

  async #learnHosts(hostId?: string): Promise<void> {
    for (const { id, ...host } of await hostRecords(this.#options.sql, hostId)) {
      this.#options.driver.happened({ kind: 'host', hostId: id, ...host });
    }
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
      return this.#greet(hostId, stream, message).catch((error: unknown) => this.#broke(hostId, stream, error));
    }
    const { driver, sql } = this.#options;
    const isLate = isNews(message) && !isIssued(driver.state, hostId, message.id);
    if (!isLate) {
      driver.happened({ kind: 'message', hostId, stream, message });
      return undefined;
    }
    return knownAttempts(sql, hostId, [message.id]).then(
      (known) => driver.happened({ kind: 'message', hostId, stream, message, known: known.get(message.id) }),
      (error: unknown) => this.#broke(hostId, stream, error),
    );
  }

  async #greet(hostId: string, stream: number, hello: HelloMessage): Promise<void> {
    await this.#learnHosts(hostId);
    const { driver, sql } = this.#options;
    const unissued = () => hello.inventory.map(({ id }) => id).filter((id) => !isIssued(driver.state, hostId, id));
    let asked: ReadonlySet<string>;
    let known: Awaited<ReturnType<typeof knownAttempts>>;
    do {
      asked = new Set(unissued());
      known = await knownAttempts(sql, hostId, [...asked]);
      // It may have gone while the database was asked.
      if (!this.#inboxes.has(stream)) return;
      // What was given up may have been committed meanwhile: then only the database knows it.
    } while (unissued().some((id) => !asked.has(id)));
    driver.happened({ kind: 'hello', hostId, stream, hello, known });
  }

  /** Without the database nothing an agent says can be judged: it comes back and says it again. */
  #broke(hostId: string, stream: number, error: unknown): void {
    this.#options.log.error({ err: error }, 'What an agent said could not be looked up');
    // It is not silent: work of its host is not given up because the database is away.
    this.#options.driver.happened({ kind: 'unjudged', hostId });
    this.#gateway.close(stream, 'RECONCILE', 'The database does not answer. Come back later.');
  }

  carryOut(effect: AgentEffect): void {
    switch (effect.kind) {
      case 'send':
        this.#gateway.send(effect.stream, toWire(effect.message, this.#wire));
        return;
      case 'dispatch':
        this.#dispatch(effect);
        return;
      case 'watch':
        this.watchChanged(effect.hostId, effect.removed);
        return;
      case 'close':
        this.#inboxes.delete(effect.stream);
        this.#gateway.close(effect.stream, effect.code, effect.message);
        return;
      case 'components':
        void this.#observe(effect.hostId, effect.components);
        return;
      case 'alert':
        this.#alerts.tell(effect.hostId, effect.sentence, effect.attemptId);
        return;
    }
  }

  #tell(hostId: string, message: ServerMessage): void {
    const link = this.#options.driver.state.sessions.hosts.get(hostId)?.link;
    if (link) this.#gateway.send(link.stream, message);
  }

  #dispatch({ stream, attemptId, hash }: Extract<AgentEffect, { kind: 'dispatch' }>): void {
    const envelope = this.#options.envelopeOf(attemptId);
    if (!envelope) return;
    const attempt = refOf(attemptId);
    this.#gateway.send(stream, { dispatch: { attempt, envelopeHash: Buffer.from(hash, 'hex'), envelope } });
  }

  async #observe(hostId: string, components: readonly SeenComponent[]): Promise<void> {
    try {
      this.#options.writer.submit(await this.#components.changes(hostId, components, this.#options.clock.now()));
    } catch (error) {
      this.#options.log.error({ err: error, hostId }, 'What an agent saw of its components could not be stored');
    }
  }
}

/** What is said of an attempt without having been asked. */
function isNews(message: AgentSays): message is Extract<AgentSays, { kind: 'accepted' | 'started' | 'result' }> {
  return message.kind === 'accepted' || message.kind === 'started' || message.kind === 'result';
}

function isIssued({ sessions }: EngineState, hostId: string, attemptId: string): boolean {
  return sessions.hosts.get(hostId)?.issued.has(attemptId) ?? false;
}
