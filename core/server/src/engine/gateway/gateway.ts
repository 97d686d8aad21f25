import { setTimeout as delay } from 'node:timers/promises';
import { Server, status } from '@grpc/grpc-js';
import type { Clock, Logger } from '@stackyard/kernel';
import {
  type AgentFrame__Output,
  type AgentMessage__Output,
  Agents,
  type AgentsHandlers,
  type ServerMessage,
} from '@stackyard/proto';
import type { Pool } from 'pg';
import type { Identity } from '../../identity/identity.ts';
import type { LogStore } from '../ports.ts';
import type { CloseCode } from '../sessions/state.ts';
import { GreetingQueue, type GreetingRate } from './admission.ts';
import { Callers } from './callers.ts';
import { type ControlCall, ControlLink } from './controlLink.ts';
import { type BlobSource, download } from './download.ts';
import { type OpenSecret, openSecrets } from './secrets.ts';
import { receiveLogs } from './logStream.ts';
import { PortCredentials } from './portCredentials.ts';
import { renew } from './renew.ts';
import { TrustTeller } from './trust.ts';

export interface GatewayOptions {
  readonly sql: Pool;
  readonly identity: Identity;
  readonly logs: LogStore;
  /** How fast agents that come back all at once are greeted. */
  readonly greeting: GreetingRate;
  readonly blobs: BlobSource;
  readonly openSecret: OpenSecret;
  readonly log: Logger;
  readonly clock: Clock;
  /** What an agent said on one of its streams; only its own host is ever named. Nothing more is read until it is done with. */
  readonly onMessages: (
    hostId: string,
    stream: number,
    messages: readonly AgentMessage__Output[],
  ) => Promise<void> | undefined;
  readonly onClosed: (hostId: string, stream: number, clean: boolean) => void;
  /** The certificates of a host are no longer good; its calls have been ended. */
  readonly onCut: (hostId: string) => void;
}

/** Where to listen; port 0 means any. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const closeStatus: Readonly<Record<CloseCode | 'BUSY', status>> = {
  SUPERSEDED: status.ABORTED,
  STALE_EPOCH: status.FAILED_PRECONDITION,
  OTHER_INSTALLATION: status.FAILED_PRECONDITION,
  PROTOCOL: status.FAILED_PRECONDITION,
  LEASE_EXPIRED: status.ABORTED,
  RECONCILE: status.ABORTED,
  REMOVED: status.UNAUTHENTICATED,
  BUSY: status.UNAVAILABLE,
};

/** An envelope names every instance of a large service. */
const SEND_BYTES = 16 * 1024 * 1024;
/** A hello with the results of everything that can run on a host at once, four times over. */
const RECEIVE_BYTES = 8 * 1024 * 1024;
/** What an agent has open at once: its streams, its downloads and a renewal, each kind on a connection of its own. */
const CONNECTION_CALLS = 20;
const IDLE_MS = 60_000;

/** The gRPC side of the server: turns calls of agents into plain events, and messages into frames. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #server: Server;
  readonly #callers: Callers;
  readonly #trust: TrustTeller;
  readonly #greetings: GreetingQueue;
  #credentials: PortCredentials | undefined;
  readonly #links = new Map<number, ControlLink>();
  #lastStream = 0;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#greetings = new GreetingQueue(options.greeting);
    this.#server = new Server({
      'grpc.max_receive_message_length': RECEIVE_BYTES,
      'grpc.max_send_message_length': SEND_BYTES,
      'grpc.max_concurrent_streams': CONNECTION_CALLS,
      // Whoever has nothing to say makes room.
      'grpc.max_connection_idle_ms': IDLE_MS,
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 5_000,
    });
    const { identity, clock, log, logs, sql, blobs, openSecret: open, onCut } = options;
    this.#callers = new Callers({ identity, clock, log, onCut });
    this.#trust = new TrustTeller({ identity, log, send: (stream, message) => this.send(stream, message) });
    const agents: AgentsHandlers = {
      Control: (call) => this.#callers.admit(call, 'control', ({ hostId }) => this.#control(hostId, call)),
      Logs: (call) => this.#callers.admit(call, 'logs', ({ hostId }) => receiveLogs(call, { hostId, logs, sql, log })),
      Download: (call) =>
        this.#callers.admit(call, 'download', () => {
          download(call, blobs).catch((error: unknown) => {
            log.error({ err: error, digest: call.request.digest }, 'A download broke off');
            call.emit('error', { code: status.INTERNAL, details: 'The file could not be read on the server.' });
          });
        }),
      Secrets: (call, reply) => {
        void this.#callers
          .identify(call, (why) => reply(why))
          .then((caller) => caller && openSecrets(call, reply, { hostId: caller.hostId, sql, open, log }));
      },
      Renew: (call, reply) => {
        void this.#callers
          .admitRenewal(call, (why) => reply(why))
          .then((caller) => caller && renew(call, reply, { caller, identity, log }));
      },
    };
    this.#server.addService(Agents.service, agents);
  }

  /** Binds the address and answers the port. */
  listen({ host, port: wanted }: Address): Promise<{ port: number }> {
    const credentials = new PortCredentials(this.#options.identity.leaf);
    this.#credentials = credentials;
    this.#callers.start();
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(`${host}:${wanted}`, credentials, (error, port) => {
        if (error) reject(error);
        else resolve({ port });
      });
    });
  }

  send(stream: number, message: ServerMessage): void {
    this.#links.get(stream)?.send(message);
  }

  close(stream: number, code: CloseCode | 'BUSY', message: string): void {
    const link = this.#links.get(stream);
    this.#links.delete(stream);
    link?.close(closeStatus[code], message);
  }

  /** Ends everything that a host has open: who it is was proven by what is no longer good. */
  cut(hostId: string, why: string): void {
    this.#callers.cut(hostId, why);
  }

  /** Says that it goes away, then ends every stream. */
  async stop(retryAfterMs = 500): Promise<void> {
    this.#quiet();
    for (const [stream, link] of this.#links) {
      link.send({ goaway: { retryAfterMs, reason: 'The server is stopping.' } });
      this.#links.delete(stream);
      link.close(status.UNAVAILABLE, 'The server is stopping.');
    }
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => this.#server.forceShutdown(), 500);
      this.#server.tryShutdown(() => {
        clearTimeout(force);
        resolve();
      });
    });
  }

  /** Drops every connection without a word, as a killed process would. */
  abandon(): void {
    this.#quiet();
    for (const link of this.#links.values()) link.drop();
    this.#links.clear();
    this.#server.forceShutdown();
  }

  #quiet(): void {
    this.#callers.stop();
    this.#trust.stop();
    this.#credentials?.close();
  }

  /** Lets an agent that says hello wait until it is its turn, or sends it away when that would be long. */
  #inTurn(stream: number, take: () => Promise<void> | undefined): Promise<void> | undefined {
    const admission = this.#greetings.admit(this.#options.clock.monotonicMs());
    if (admission.kind === 'wait') {
      return admission.forMs === 0 ? take() : delay(admission.forMs, undefined, { ref: false }).then(take);
    }
    const { retryAfterMs } = admission;
    this.send(stream, { goaway: { retryAfterMs, reason: 'Too many agents come at once.' } });
    this.close(stream, 'BUSY', 'Too many agents come at once. Come back later.');
    return undefined;
  }

  #control(hostId: string, call: ControlCall): void {
    const stream = ++this.#lastStream;
    const link = new ControlLink(hostId, call);
    this.#links.set(stream, link);
    let open = true;
    let leaves = false;
    const closed = (clean: boolean): void => {
      if (!open) return;
      open = false;
      link.drop();
      this.#links.delete(stream);
      this.#trust.closed(stream);
      this.#options.onClosed(hostId, stream, clean);
    };
    call.on('data', ({ messages }: AgentFrame__Output) => {
      if (!open || !this.#links.has(stream)) return;
      leaves ||= messages.some(({ goodbye }) => goodbye);
      const take = (): Promise<void> | undefined => {
        if (!open || !this.#links.has(stream)) return undefined;
        this.#trust.heard(hostId, stream, messages);
        return this.#options.onMessages(hostId, stream, messages);
      };
      const later = messages.some(({ hello }) => hello) ? this.#inTurn(stream, take) : take();
      if (!later) return;
      call.pause();
      void later.finally(() => call.resume());
    });
    call.on('cancelled', () => closed(false));
    call.on('error', () => closed(false));
    call.on('end', () => {
      // A killed agent's connection ends like this too.
      closed(leaves);
      call.end();
    });
  }
}
