import { createHash, randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { Server, status } from '@grpc/grpc-js';
import { TestAuthority, TestEnrolment } from '@stackyard/agent/testing';
import {
  type AgentFrame__Output,
  Agents,
  type AgentsHandlers,
  encodeEnvelope,
  type LogFrame__Output,
  type Result__Output,
  type ServerMessage,
} from '@stackyard/proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FleetError } from './errors.ts';
import type { FakeExecution } from './executor.ts';
import { type Fleet, type FleetOptions, startFleet } from './fleet.ts';

type ControlCall = Parameters<AgentsHandlers['Control']>[0];
type LogsCall = Parameters<AgentsHandlers['Logs']>[0];

/** A server that welcomes everybody, sends each agent the same number of tasks and takes the results. */
class Dispatcher {
  readonly results: Result__Output[] = [];
  readonly changes = new EventEmitter();
  readonly #server = new Server();
  readonly #installId = randomUUID();
  #enrolment: TestEnrolment | undefined;
  #welcomed = 0;
  /** What each attempt printed, once all of it is here. */
  readonly output = new Map<string, string>();
  readonly tasks: number;
  readonly twice: boolean;
  readonly timeoutMs: number;
  #logStreams = 0;

  constructor(tasks: number, { twice = false, timeoutMs = 10_000 } = {}) {
    this.tasks = tasks;
    this.twice = twice;
    this.timeoutMs = timeoutMs;
  }

  async start(): Promise<Pick<FleetOptions, 'server' | 'enrolment'>> {
    const authority = await TestAuthority.make(this.#installId);
    this.#enrolment = new TestEnrolment(authority);
    this.#enrolment.token = 'token';
    await this.#enrolment.start();
    const credentials = await authority.grpcCredentials();
    const agents: AgentsHandlers = {
      Control: (call) => call.on('data', (frame: AgentFrame__Output) => this.#receive(call, frame)),
      Logs: (call) => this.#receiveLogs(call),
      Download: (call) => call.end(),
      Secrets: (_call, reply) => reply({ code: status.UNIMPLEMENTED }),
      Renew: (_call, reply) => reply({ code: status.UNIMPLEMENTED }),
    };
    this.#server.addService(Agents.service, agents);
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
    });
    const enrolment = { endpoint: this.#enrolment.address, caSha256: authority.sha256 };
    return { server: `127.0.0.1:${port}`, enrolment };
  }

  stop(): void {
    this.#server.forceShutdown();
    this.#enrolment?.stop();
  }

  #receive(call: ControlCall, { messages }: AgentFrame__Output): void {
    const answers: ServerMessage[] = [];
    for (const { hello, heartbeat, result } of messages) {
      if (heartbeat) answers.push({ heartbeatAck: { n: heartbeat.n, leaseMs: 30_000 } });
      if (result) {
        this.results.push(result);
        answers.push({ resultAck: { attempt: result.attempt } });
      }
      if (!hello) continue;
      this.#welcomed += 1;
      answers.push({
        welcome: {
          installId: this.#installId,
          epoch: 1,
          sessionNo: this.#welcomed,
          heartbeatMs: 1_000,
          leaseMs: 30_000,
        },
      });
      for (let task = 0; task < this.tasks; task += 1) answers.push(...this.#dispatches());
    }
    if (answers.length > 0) call.write({ messages: answers });
    this.changes.emit('change');
  }

  /** The first stream of all breaks off before anything of it is acknowledged. */
  #receiveLogs(call: LogsCall): void {
    this.#logStreams += 1;
    const breaks = this.#logStreams === 1;
    const parts = new Map<string, Buffer[]>();
    call.on('end', () => call.end());
    call.on('data', ({ chunks }: LogFrame__Output) => {
      if (breaks) return void call.emit('error', { code: status.UNAVAILABLE, details: 'Come back.' });
      for (const { attempt, offset, data, last } of chunks) {
        const id = attempt?.taskId ?? '';
        parts.set(id, [...(parts.get(id) ?? []), data]);
        if (last) this.output.set(id, Buffer.concat(parts.get(id) ?? []).toString());
        call.write({ attempt, durableOffset: offset + data.length });
      }
      this.changes.emit('change');
    });
  }

  #dispatches(): ServerMessage[] {
    const attempt = { taskId: randomUUID(), number: 1 };
    const expectedFiles = { '/etc/x': 'sha256-00' };
    const envelope = encodeEnvelope({
      taskId: attempt.taskId,
      attempt: 1,
      phase: 'configure',
      timeoutMs: this.timeoutMs,
      component: 'worker',
      self: { host: 'sim-1' },
      startWithinMs: 10_000,
      expectedFiles,
    });
    const dispatch = { attempt, envelope, envelopeHash: createHash('sha256').update(envelope).digest() };
    return this.twice ? [{ dispatch }, { dispatch }] : [{ dispatch }];
  }
}

let dispatcher: Dispatcher;
let fleet: Fleet | undefined;

beforeEach(() => {
  fleet = undefined;
});
afterEach(async () => {
  await fleet?.stop();
  dispatcher.stop();
});

async function run(
  tasks: number,
  options: { agents: number; twice?: boolean; timeoutMs?: number } & Partial<FakeExecution>,
): Promise<Dispatcher> {
  const { agents, twice = false, timeoutMs, ...execution } = options;
  dispatcher = new Dispatcher(tasks, { twice, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  const where = await dispatcher.start();
  fleet = await startFleet({
    ...where,
    agents,
    join: Array.from({ length: agents }, () => 'token'),
    executor: { duration: { kind: 'fixed', ms: 0 }, ...execution },
  });
  await fleet.untilConnected();
  while (dispatcher.results.length < agents * tasks) await once(dispatcher.changes, 'change');
  return dispatcher;
}

test('every agent carries out every task once and reports what it would have written', async () => {
  const { results } = await run(30, { agents: 10 });
  expect(new Set(results.map(({ attempt }) => attempt?.taskId)).size).toBe(300);
  expect(results.every(({ reason, applied }) => reason === '' && applied['/etc/x'] === 'sha256-00')).toBe(true);
  expect(fleet?.stats()).toMatchObject({ agents: 10, connected: 10, started: 300, succeeded: 300, failed: 0 });
});

test('a dispatch that comes twice is carried out once', async () => {
  await run(20, { agents: 2, twice: true });
  expect(fleet?.stats()).toMatchObject({ started: 40, succeeded: 40 });
});

test('every n-th task fails where the executor says so', async () => {
  const { results } = await run(10, { agents: 1, failures: [{ how: 'fail', every: 5 }] });
  expect(results.filter(({ reason }) => reason === 'EXIT_NONZERO')).toHaveLength(2);
});

test('a lost task has no outcome, and one that hangs ends when its time is up', async () => {
  const failures = [{ how: 'lost', every: 2 } as const, { how: 'hang', every: 1 } as const];
  const { results } = await run(4, { agents: 1, timeoutMs: 100, failures });
  expect(results.map(({ reason }) => reason).toSorted()).toEqual(['LOST', 'LOST', 'TIMEOUT', 'TIMEOUT']);
  expect(fleet?.stats()).toMatchObject({ started: 4, succeeded: 0, failed: 2, killed: 2 });
});

test('what tasks print arrives whole, also when the stream breaks', async () => {
  const { results, output, changes } = await run(2, { agents: 1, lines: 5_000 });
  while (output.size < 2) await once(changes, 'change');
  for (const { attempt, logSize } of results) {
    const lines = output.get(attempt?.taskId ?? '')?.split('\n') ?? [];
    expect(lines).toHaveLength(5_001);
    expect(lines[4_999]).toBe('configure 5000 of 5000 of worker on sim-1');
    expect(logSize).toBe(lines.join('\n').length);
  }
});

test('a fleet without enough tokens is refused before anybody joins', async () => {
  dispatcher = new Dispatcher(0);
  const executor = { duration: { kind: 'fixed', ms: 0 } } as const;
  await expect(startFleet({ agents: 2, join: ['one'], executor })).rejects.toThrow(FleetError);
});
