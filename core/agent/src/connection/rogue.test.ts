import { randomUUID } from 'node:crypto';
import { once, EventEmitter } from 'node:events';
import { Server, type ServerCredentials } from '@grpc/grpc-js';
import { peerUri } from '@stackyard/domain';
import { Agents, type AgentsHandlers } from '@stackyard/proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newRequest } from '../identity/request.ts';
import { TestAuthority } from '../identity/testAuthority.ts';
import { ControlConnection } from './control.ts';
import { Credentials } from './credentials.ts';
import { renewOnline } from './renew.ts';

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
let authority: TestAuthority;
let agentId: string;
let server: Server;
let connection: ControlConnection | undefined;
/** Calls that reached the server. */
let calls = 0;

beforeEach(async () => {
  authority = await TestAuthority.make();
  agentId = randomUUID();
  calls = 0;
});
afterEach(() => {
  connection?.stop();
  server.forceShutdown();
});

const heard = (): void => void (calls += 1);
const handlers: AgentsHandlers = { Control: heard, Logs: heard, Download: heard, Renew: heard, Secrets: heard };

async function serve(credentials: ServerCredentials): Promise<Credentials> {
  server = new Server();
  server.addService(Agents.service, handlers);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  const { key, request } = await newRequest();
  return new Credentials({
    agentId,
    installId: authority.installId,
    server: `127.0.0.1:${port}`,
    enrolment: '127.0.0.1:1',
    key,
    certificate: await authority.signAgent(request, agentId),
    authorities: authority.pem,
  });
}

/** Dials until it has been refused twice, or was let in. */
async function dial(credentials: Credentials): Promise<string[]> {
  const said: string[] = [];
  const changes = new EventEmitter();
  const tell = (what: string): void => {
    said.push(what);
    changes.emit('change');
  };
  connection = new ControlConnection(credentials, {
    opened: () => tell('opened'),
    received: () => undefined,
    closed: () => undefined,
    retrying: () => tell('refused'),
  });
  connection.start();
  while (said.length < 2 && !said.includes('opened')) await once(changes, 'change');
  return said;
}

test('an agent speaks to the server of its installation', async () => {
  expect(await dial(await serve(await authority.grpcCredentials()))).toEqual(['opened']);
});

test.each<[string, () => Promise<ServerCredentials>]>([
  [
    'an agent, by the same authority',
    () => authority.grpcCredentials({ uri: peerUri.agent(authority.installId, randomUUID()), usage: CLIENT_AUTH }),
  ],
  [
    'an agent that may serve',
    () => authority.grpcCredentials({ uri: peerUri.agent(authority.installId, randomUUID()), usage: SERVER_AUTH }),
  ],
  ['the server that may only call', () => authority.grpcCredentials({ usage: CLIENT_AUTH })],
  ['the server of another installation', () => authority.grpcCredentials({ uri: peerUri.server(randomUUID()) })],
  [
    'the server, by another authority of the same name',
    async () => (await TestAuthority.make(authority.installId)).grpcCredentials(),
  ],
])('an agent says nothing to whoever shows the certificate of %s', async (_, shown) => {
  const credentials = await serve(await shown());
  expect(await dial(credentials)).toEqual(['refused', 'refused']);
  const { request } = await newRequest();
  // Whoever reads the agent's log is told what is wrong.
  await expect(renewOnline(credentials, request)).rejects.toThrow(
    /does not answer \((The peer is not the server of installation|unsuitable certificate purpose|certificate signature failure|self-signed certificate|unable to verify)/i,
  );
  expect(calls).toBe(0);
});
