import { createHash, randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Server, status } from '@grpc/grpc-js';
import {
  type AgentFrame__Output,
  type AgentMessage__Output,
  Agents,
  type AgentsHandlers,
  type ComponentStatus__Output,
  encodeEnvelope,
  type Envelope,
  type Hello__Output,
  type LogFrame__Output,
  type Result__Output,
  type ServerFrame,
  type ServerMessage,
  type WatchedComponent,
} from '@stackyard/proto';
import { TestAuthority, TestEnrolment } from '../identity/testAuthority.ts';

type ControlCall = Parameters<AgentsHandlers['Control']>[0];

export interface Attempt {
  readonly taskId: string;
  readonly number: number;
}

/** A server of the real protocol with a scripted dispatcher, for tests of whoever speaks the agent's half. */
export class TestServer {
  readonly installId = randomUUID();
  readonly events = new EventEmitter();
  readonly hellos: Hello__Output[] = [];
  readonly results: Result__Output[] = [];
  readonly statuses = new Map<string, ComponentStatus__Output>();
  /** All messages of agents but hellos and heartbeats, in order of arrival. */
  readonly said: AgentMessage__Output[] = [];
  /** How often a certificate was renewed. */
  renewals = 0;
  readonly logs = new Map<string, Buffer>();
  readonly ended = new Set<string>();
  /** Files to serve, by digest. */
  readonly files = new Map<string, string>();
  /** Secrets by how they stand, sealed, in envelopes. */
  readonly secrets = new Map<string, string>();
  /** Whether results are acknowledged. */
  acknowledges = true;
  epoch = 1;
  /** Whether the agent that was here last is refused from now on. */
  forgets = false;
  forgotten = '';
  watched: WatchedComponent[] = [];
  #sessionNo = 0;
  #server: Server | undefined;
  #enrolment: TestEnrolment | undefined;
  #port = 0;
  #call: ControlCall | undefined;
  readonly #calls = new Set<{ destroy(): void }>();

  get authority(): TestAuthority {
    return this.enrolment.authority;
  }

  get enrolment(): TestEnrolment {
    if (!this.#enrolment) throw new Error('The server has not started.');
    return this.#enrolment;
  }

  /** How a host joins this server. */
  get joining(): { readonly enrolment: string; readonly caSha256: string; readonly token: string } {
    return { enrolment: this.enrolment.address, caSha256: this.authority.sha256, token: this.enrolment.token };
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Whether a control stream is open. */
  get connected(): boolean {
    return this.#call !== undefined;
  }

  async start(): Promise<void> {
    this.#enrolment ??= await this.#openEnrolment();
    const credentials = await this.authority.grpcCredentials();
    const server = new Server();
    server.addService(Agents.service, this.#agents());
    this.#port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${this.#port}`, credentials, (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
    this.#server = server;
    this.#enrolment.server = this.address;
  }

  async stop(): Promise<void> {
    for (const call of this.#calls) call.destroy();
    this.#server?.forceShutdown();
    this.#call = undefined;
  }

  /** Ends the enrolment listener, too. */
  async close(): Promise<void> {
    await this.stop();
    this.#enrolment?.stop();
  }

  send(message: ServerMessage): void {
    this.#call?.write({ messages: [message] } satisfies ServerFrame);
  }

  /** Sends an envelope; its attempt may have been sent before. */
  dispatch(envelope: Envelope): Attempt {
    const bytes = encodeEnvelope(envelope);
    const attempt = { taskId: envelope.taskId ?? '', number: envelope.attempt ?? 0 };
    this.send({ dispatch: { attempt, envelope: bytes, envelopeHash: createHash('sha256').update(bytes).digest() } });
    return attempt;
  }

  async resultOf(attempt: Attempt, limitMs = 30_000): Promise<Result__Output> {
    const find = (): Result__Output | undefined => this.results.find((result) => isOf(result, attempt));
    await this.until(() => find() !== undefined, `a result of ${nameOf(attempt)}`, limitMs);
    return find() as Result__Output;
  }

  /** The complete log of an attempt. */
  async logOf(attempt: Attempt): Promise<string> {
    await this.until(() => this.ended.has(nameOf(attempt)), `the end of the log of ${nameOf(attempt)}`);
    return this.logs.get(nameOf(attempt))?.toString() ?? '';
  }

  /** Waits for a condition that messages of agents make true. */
  async until(condition: () => boolean, what: string, limitMs = 30_000): Promise<void> {
    const signal = AbortSignal.timeout(limitMs);
    while (!condition()) {
      await once(this.events, 'change', { signal }).catch(() => {
        throw new Error(`Waited ${limitMs} ms in vain for ${what}.`);
      });
    }
  }

  async #openEnrolment(): Promise<TestEnrolment> {
    const enrolment = new TestEnrolment(await TestAuthority.make(this.installId));
    await enrolment.start();
    return enrolment;
  }

  #agents(): AgentsHandlers {
    return {
      Control: (call) => this.#control(call),
      Logs: (call) => {
        this.#track(call);
        call.on('data', (frame: LogFrame__Output) => {
          for (const chunk of frame.chunks) {
            const name = nameOf(chunk.attempt as Attempt);
            const held = this.logs.get(name) ?? Buffer.alloc(0);
            const skip = held.length - chunk.offset;
            const grown =
              skip >= 0 && skip <= chunk.data.length ? Buffer.concat([held, chunk.data.subarray(skip)]) : held;
            this.logs.set(name, grown);
            if (chunk.last) this.ended.add(name);
            call.write({ attempt: chunk.attempt, durableOffset: grown.length });
          }
          this.events.emit('change');
        });
        call.on('end', () => call.end());
      },
      Secrets: ({ request }, reply) => {
        const opened = request.sealed.map((each) => [each, this.secrets.get(each)] as const);
        if (opened.every(([, secret]) => secret !== undefined))
          return reply(null, { opened: Object.fromEntries(opened) as Record<string, string> });
        reply({ code: status.PERMISSION_DENIED, details: 'The host does not run this attempt: it gets no secrets.' });
      },
      Renew: (call, reply) => {
        const agentId = /agent\/([0-9a-f-]+)/.exec(call.getAuthContext().sslPeerCertificate?.subjectaltname ?? '')?.[1];
        this.renewals += 1;
        void this.authority.signAgent(call.request.request, agentId ?? '', { lifeMs: this.enrolment.lifeMs }).then(
          (certificate) => reply(null, { certificate, authorities: this.authority.pem }),
          (error: unknown) => reply(error as Error),
        );
      },
      Download: (call) => {
        const file = this.files.get(call.request.digest);
        if (!file) {
          call.emit('error', { code: status.NOT_FOUND, details: `no file ${call.request.digest}` });
          return;
        }
        void readFile(file).then((bytes) => {
          for (let at = call.request.offset; at < bytes.length; at += 65_536)
            call.write({ data: bytes.subarray(at, at + 65_536) });
          call.end();
        });
      },
    };
  }

  #control(call: ControlCall): void {
    this.#track(call);
    const serial = call.getAuthContext().sslPeerCertificate?.serialNumber ?? '';
    if (this.forgets && serial === this.forgotten) {
      call.emit('error', { code: status.UNAUTHENTICATED, details: 'the agent is not known' });
      return;
    }
    this.forgotten = serial;
    this.#call = call;
    call.on('data', (frame: AgentFrame__Output) => {
      for (const message of frame.messages) this.#receive(message);
      this.events.emit('change');
    });
    call.on('end', () => call.end());
    call.on('close', () => this.#gone(call));
    call.on('cancelled', () => this.#gone(call));
  }

  #gone(call: ControlCall): void {
    if (this.#call === call) this.#call = undefined;
    this.events.emit('change');
  }

  #track(call: { destroy(): void; on(event: 'error' | 'close', listener: () => void): unknown }): void {
    this.#calls.add(call);
    call.on('error', () => undefined);
    call.on('close', () => this.#calls.delete(call));
  }

  #receive(message: AgentMessage__Output): void {
    if (message.hello) {
      this.hellos.push(message.hello);
      for (const component of message.hello.components) this.statuses.set(component.hostComponentId, component);
      this.#sessionNo += 1;
      const welcome = {
        installId: this.installId,
        epoch: this.epoch,
        sessionNo: this.#sessionNo,
        heartbeatMs: 1_000,
        leaseMs: 30_000,
      };
      this.send({ welcome });
      this.send({ watchComponents: { components: this.watched } });
      for (const { result } of message.hello.inventory) if (result) this.#take(result);
      return;
    }
    if (message.heartbeat) return this.send({ heartbeatAck: { n: message.heartbeat.n, leaseMs: 30_000 } });
    this.said.push(message);
    for (const component of message.componentStatuses?.components ?? []) {
      this.statuses.set(component.hostComponentId, component);
    }
    if (message.result) this.#take(message.result);
  }

  #take(result: Result__Output): void {
    this.results.push(result);
    if (this.acknowledges) this.send({ resultAck: { attempt: result.attempt } });
  }
}

function nameOf({ taskId, number }: Attempt): string {
  return `${taskId}/${number}`;
}

function isOf(result: Result__Output, { taskId, number }: Attempt): boolean {
  return result.attempt?.taskId === taskId && result.attempt.number === number;
}
