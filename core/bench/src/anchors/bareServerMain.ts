/** The least that a gRPC server does for agents over mTLS: it answers every heartbeat of a frame. Certificates: JSON in a file. */
import { readFileSync } from 'node:fs';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { type AgentFrame__Output, Agents, type AgentsHandlers } from '@stackyard/proto';
import type { Certificates } from './certificates.ts';

const [, , file = '', port = '0'] = process.argv;
const { authority, server: own } = JSON.parse(readFileSync(file, 'utf8')) as Certificates;
const handlers = {
  Control: (call) => {
    call.on('data', ({ messages }: AgentFrame__Output) => {
      const acks = messages.flatMap(({ heartbeat }) => (heartbeat ? [{ heartbeatAck: { n: heartbeat.n } }] : []));
      if (acks.length > 0) call.write({ messages: acks });
    });
    call.on('error', () => undefined);
    call.on('end', () => call.end());
  },
  Logs: (call) => call.end(),
  Download: (call) => call.end(),
} satisfies Partial<AgentsHandlers>;

const server = new Server({ 'grpc.keepalive_time_ms': 10_000, 'grpc.keepalive_timeout_ms': 5_000 });
server.addService(Agents.service, handlers);
const credentials = ServerCredentials.createSsl(
  Buffer.from(authority),
  [{ private_key: Buffer.from(own.key), cert_chain: Buffer.from(own.certificate) }],
  true,
);
server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) => {
  if (error) throw error;
  process.stdout.write(`${JSON.stringify({ endpoint: `127.0.0.1:${bound}` })}\n`);
});
process.once('SIGTERM', () => process.exit(0));
