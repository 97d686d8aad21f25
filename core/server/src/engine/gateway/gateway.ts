import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall, status } from '@grpc/grpc-js';
import type { Clock, Logger } from '@stackyard/kernel';
import {
  type AgentFrame__Output,
  type AgentMessage__Output,
  Agents,
  type AgentsHandlers,
  Enrolment,
  type EnrolmentHandlers,
  type JoinRequest__Output,
  type ServerMessage,
} from '@stackyard/proto';
import type { Pool } from 'pg';
import type { Events, LogStore } from '../ports.ts';
import type { CloseCode } from '../sessions/state.ts';
import { type ControlCall, ControlLink } from './controlLink.ts';
import { authenticate } from './credentials.ts';
import { type BlobSource, download } from './download.ts';
import { join } from './enrolment.ts';
import { receiveLogs } from './logStream.ts';

export interface GatewayOptions {
  readonly sql: Pool;
  readonly installId: string;
  readonly events: Pick<Events, 'run'>;
  readonly logs: LogStore;
  readonly blobs: BlobSource;
  readonly log: Logger;
  readonly clock: Clock;
  /** What an agent said on one of its streams; only its own host is ever named. Nothing more is read until it is done with. */
  readonly onMessages: (
    hostId: string,
    stream: number,
    messages: readonly AgentMessage__Output[],
  ) => Promise<void> | undefined;
  readonly onClosed: (hostId: string, stream: number, clean: boolean) => void;
  /** A host joined, or joined again with a new secret. */
  readonly onJoined: (hostId: string) => void;
}

/** Where to listen; port 0 means any. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const closeStatus: Readonly<Record<CloseCode, status>> = {
  SUPERSEDED: status.ABORTED,
  STALE_EPOCH: status.FAILED_PRECONDITION,
  OTHER_INSTALLATION: status.FAILED_PRECONDITION,
  PROTOCOL: status.FAILED_PRECONDITION,
  LEASE_EXPIRED: status.ABORTED,
  RECONCILE: status.ABORTED,
  REMOVED: status.UNAUTHENTICATED,
};

const MESSAGE_BYTES = 16 * 1024 * 1024;
const refused = {
  code: status.UNAUTHENTICATED,
  details: 'The agent id or its secret is not right. Join the host again with a new token.',
};

/** The gRPC side of the server: turns calls of agents into plain events, and messages into frames. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #server: Server;
  readonly #links = new Map<number, ControlLink>();
  #lastStream = 0;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#server = new Server({
      'grpc.max_receive_message_length': MESSAGE_BYTES,
      'grpc.max_send_message_length': MESSAGE_BYTES,
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 5_000,
    });
    const agents: AgentsHandlers = {
      Control: (call) => this.#authenticated(call, (hostId) => this.#control(hostId, call)),
      Logs: (call) =>
        this.#authenticated(call, (hostId) => {
          const { logs, sql, log } = options;
          receiveLogs(call, { hostId, logs, sql, log });
        }),
      Download: (call) =>
        this.#authenticated(call, () => {
          download(call, options.blobs).catch((error: unknown) => {
            options.log.error({ err: error, digest: call.request.digest }, 'A download broke off');
            call.emit('error', { code: status.INTERNAL, details: 'The file could not be read on the server.' });
          });
        }),
    };
    const enrolment: EnrolmentHandlers = { Join: (call, reply) => void this.#join(call, reply) };
    this.#server.addService(Agents.service, agents);
    this.#server.addService(Enrolment.service, enrolment);
  }

  /** Binds the address and answers the port. */
  listen({ host, port: wanted }: Address): Promise<{ port: number }> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(`${host}:${wanted}`, ServerCredentials.createInsecure(), (error, port) => {
        if (error) reject(error);
        else resolve({ port });
      });
    });
  }

  send(stream: number, message: ServerMessage): void {
    this.#links.get(stream)?.send(message);
  }

  close(stream: number, code: CloseCode, message: string): void {
    const link = this.#links.get(stream);
    this.#links.delete(stream);
    link?.close(closeStatus[code], message);
  }

  /** Says that it goes away, then ends every stream. */
  async stop(retryAfterMs = 500): Promise<void> {
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
    for (const link of this.#links.values()) link.drop();
    this.#links.clear();
    this.#server.forceShutdown();
  }

  #authenticated(
    call:
      | Parameters<AgentsHandlers['Control']>[0]
      | Parameters<AgentsHandlers['Logs']>[0]
      | Parameters<AgentsHandlers['Download']>[0],
    then: (hostId: string) => void,
  ): void {
    authenticate(this.#options.sql, call.metadata).then(
      (hostId) => {
        if (hostId === undefined) call.emit('error', refused);
        else if (!call.cancelled) then(hostId);
      },
      (error: unknown) => {
        this.#options.log.error({ err: error }, 'An agent could not be authenticated');
        call.emit('error', { code: status.UNAVAILABLE, details: 'The database does not answer. Try again.' });
      },
    );
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
      this.#options.onClosed(hostId, stream, clean);
    };
    call.on('data', ({ messages }: AgentFrame__Output) => {
      if (!open || !this.#links.has(stream)) return;
      leaves ||= messages.some(({ goodbye }) => goodbye);
      const later = this.#options.onMessages(hostId, stream, messages);
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

  async #join(
    call: ServerUnaryCall<JoinRequest__Output, object>,
    reply: sendUnaryData<{ agentId: string; secret: string; installId: string }>,
  ): Promise<void> {
    const { token, hostName } = call.request;
    try {
      const joined = await join(this.#options.events, { token, hostName, now: this.#options.clock.now() });
      if (!joined) {
        const details = `The token is not valid for host "${hostName.slice(0, 253)}": it is unknown, used, expired or made for another host. Ask for a new one.`;
        reply({ code: status.PERMISSION_DENIED, details });
        return;
      }
      this.#options.onJoined(joined.hostId);
      reply(null, { agentId: joined.hostId, secret: joined.secret, installId: this.#options.installId });
    } catch (error) {
      this.#options.log.error({ err: error, hostName }, 'A host could not join');
      reply({ code: status.UNAVAILABLE, details: 'The server could not store the host. Try again.' });
    }
  }
}
