/** The least that a gRPC server does with a control stream: it answers every heartbeat. */
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { type AgentFrame__Output, Agents, type AgentsHandlers } from '@stackyard/proto';

const handlers: AgentsHandlers = {
  Control: (call) => {
    call.on('data', ({ messages }: AgentFrame__Output) => {
      const n = messages[0]?.heartbeat?.n ?? 0;
      call.write({ messages: [{ heartbeatAck: { n, leaseMs: 30_000 } }] });
    });
    call.on('end', () => call.end());
  },
  Logs: (call) => call.end(),
  Download: (call) => call.end(),
  Secrets: (_call, reply) => reply(null, {}),
  Renew: (_call, reply) => reply(null, {}),
};
const server = new Server();
server.addService(Agents.service, handlers);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.stdout.write(`${JSON.stringify({ endpoint: `127.0.0.1:${port}` })}\n`);
});
process.once('SIGTERM', () => process.exit(0));
