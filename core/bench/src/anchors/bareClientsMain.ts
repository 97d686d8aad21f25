/**
 * Bare gRPC streams over mTLS, one connection each, as many as told: says how long it took to open them all, then beats as
 * agents do. Or, with `batch`, sends frames of so many heartbeats as fast as they are answered, and says how many a second.
 */
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { credentials } from '@grpc/grpc-js';
import { Agents, type ServerFrame__Output } from '@stackyard/proto';
import type { Certificates } from './certificates.ts';

export interface BareClientsArguments {
  /** A file with the certificates, JSON. */
  readonly certificates: string;
  readonly endpoint: string;
  readonly clients: number;
  readonly heartbeatMs: number;
  /** Heartbeats of a frame, for an echo as fast as can be. */
  readonly batch?: number;
  readonly rounds?: number;
}

export interface BareClientsReady {
  /** From the first connection to the last answer. */
  readonly connectedMs: number;
  /** Heartbeats answered per second, of each round. */
  readonly echoes: readonly number[];
}

const AT_A_TIME = 64;
const ROUND_MS = 1_000;

const options = JSON.parse(process.argv[2] ?? '{}') as BareClientsArguments;
const { authority, client: own } = JSON.parse(readFileSync(options.certificates, 'utf8')) as Certificates;
const channel = credentials.createSsl(Buffer.from(authority), Buffer.from(own.key), Buffer.from(own.certificate));

type Call = Awaited<ReturnType<typeof open>>;

async function open() {
  const client = new Agents(options.endpoint, channel, {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
  });
  const call = client.Control();
  call.on('error', () => undefined);
  call.write({ messages: [{ heartbeat: { n: 1 } }] });
  await once(call, 'data');
  return call;
}

async function openAll(): Promise<Call[]> {
  const calls: Call[] = [];
  let started = 0;
  const worker = async (): Promise<void> => {
    while (started++ < options.clients) calls.push(await open());
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return calls;
}

function beat(call: Call): void {
  const afterMs = options.heartbeatMs * (0.8 + 0.4 * Math.random());
  setTimeout(() => {
    call.write({ messages: [{ heartbeat: { n: 2 } }] });
    beat(call);
  }, afterMs);
}

/** One frame of each stream is on its way at any time. */
async function echo(calls: readonly Call[], batch: number): Promise<number> {
  const frame = { messages: Array.from({ length: batch }, (_, n) => ({ heartbeat: { n } })) };
  let [echoes, over] = [0, false];
  const listeners = calls.map((call) => {
    const answered = ({ messages }: ServerFrame__Output): void => {
      echoes += messages.length;
      if (!over) call.write(frame);
    };
    call.on('data', answered);
    return () => call.off('data', answered);
  });
  const begin = performance.now();
  for (const call of calls) call.write(frame);
  await new Promise((resolve) => setTimeout(resolve, ROUND_MS));
  const perSecond = echoes / ((performance.now() - begin) / 1000);
  over = true;
  // What is on its way would count in the next round.
  await new Promise((resolve) => setTimeout(resolve, 200));
  for (const off of listeners) off();
  return perSecond;
}

const begin = performance.now();
const calls = await openAll();
const connectedMs = performance.now() - begin;
const echoes: number[] = [];
for (let round = 0; options.batch && round < (options.rounds ?? 3); round++)
  echoes.push(await echo(calls, options.batch));
for (const call of calls) {
  call.resume();
  beat(call);
}
process.stdout.write(`${JSON.stringify({ connectedMs, echoes } satisfies BareClientsReady)}\n`);
process.once('SIGTERM', () => process.exit(0));
