/** The least that a gRPC server does with a log: it appends every chunk to a file, and answers when the last one is durable. */
import { open, readFile } from 'node:fs/promises';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { Agents, type AgentsHandlers, type LogFrame__Output } from '@stackyard/proto';

const [, , path, identityFile] = process.argv as [string, string, string, string];
const { key, certificate } = JSON.parse(await readFile(identityFile, 'utf8')) as { key: string; certificate: string };
const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(certificate) };
const file = await open(path, 'a', 0o600);
let written = Promise.resolve();
let length = 0;

const handlers: AgentsHandlers = {
  Control: (call) => call.end(),
  Logs: (call) => {
    call.on('data', ({ chunks }: LogFrame__Output) => {
      for (const { attempt, data, last } of chunks) {
        written = written.then(async () => {
          length += data.length;
          await file.writeFile(data);
          if (!last) return;
          await file.datasync();
          call.write({ attempt, durableOffset: length });
        });
      }
    });
    call.on('end', () => call.end());
  },
  Download: (call) => call.end(),
  Secrets: (_call, reply) => reply(null, {}),
  Renew: (_call, reply) => reply(null, {}),
};
const server = new Server();
server.addService(Agents.service, handlers);
server.bindAsync('127.0.0.1:0', ServerCredentials.createSsl(null, [pair]), (error, port) => {
  if (error) throw error;
  process.stdout.write(`${JSON.stringify({ endpoint: `127.0.0.1:${port}` })}\n`);
});
process.once('SIGTERM', () => process.exit(0));
