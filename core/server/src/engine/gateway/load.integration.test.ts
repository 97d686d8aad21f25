import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { status } from '@grpc/grpc-js';
import { Agents } from '@stackyard/proto';
import { channelCredentials, channelOptions, newRequest } from '../../identity/testing.ts';
import { startTestPostgres, type TestPostgres } from '../../postgres/testing.ts';
import type { EngineSettings } from '../settings.ts';
import type { ScriptedAgent } from '../testing/agent.ts';
import { EngineWorld, until } from '../testing/world.ts';

describe('the agents’ port under load', () => {
  let postgres: TestPostgres;
  let world: EngineWorld;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    postgres = await startTestPostgres('embedded');
  });
  afterAll(() => postgres?.stop());
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await world.clean();
  });
  const serve = async (settings: Partial<EngineSettings> = {}): Promise<void> => {
    world = await EngineWorld.open(await postgres.createDatabase(), settings);
    await world.serve();
  };

  test('of agents that come all at once some are greeted, and the rest are told when to come again', async () => {
    await serve({ greeting: { perSecond: 0.2, burst: 2, longestWaitMs: 1 } });
    const names = ['h1', 'h2', 'h3', 'h4'];
    const agents = await Promise.all(names.map((name) => world.agent(name, { connect: false })));
    const tries = await Promise.allSettled(agents.map((agent) => agent.connect(world.address)));
    const goaways = agents.map(({ received }) => received.find(({ goaway }) => goaway)?.goaway);
    expect(tries.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
    for (const [index, { status }] of tries.entries())
      expect([status, (goaways[index]?.retryAfterMs ?? 0) > 0]).toEqual([status, status === 'rejected']);
    const late = agents[tries.findIndex(({ status }) => status === 'rejected')]!;
    await until(async () => {
      late.cut();
      return late.connect(world.address).then(
        () => true,
        () => false,
      );
    });
    expect(world.engine?.reachable(late.id)).toBe(true);
  });

  test('an agent that renews again and again is told to wait, and no other agent is', async () => {
    await serve();
    const [greedy, other] = [
      await world.agent('greedy', { connect: false }),
      await world.agent('other', { connect: false }),
    ];
    const renew = async ({ credentials }: ScriptedAgent): Promise<status> => {
      const client = new Agents(world.address, channelCredentials(credentials), channelOptions);
      try {
        const { request } = await newRequest();
        return await new Promise((resolve) => client.Renew({ request }, (error) => resolve(error?.code ?? status.OK)));
      } finally {
        client.close();
      }
    };
    const codes: status[] = [];
    for (let n = 0; n < 20; n++) codes.push(await renew(greedy));
    expect(codes.slice(0, 15).every((code) => code === status.OK)).toBe(true);
    expect(codes.slice(16).every((code) => code === status.RESOURCE_EXHAUSTED)).toBe(true);
    expect(await renew(other)).toBe(status.OK);
  });

  test('an agent that comes back without end is told to wait, and comes in later', async () => {
    await serve();
    const agent = await world.agent('a', { connect: false });
    const client = new Agents(world.address, channelCredentials(agent.credentials), channelOptions);
    try {
      const codes: (status | undefined)[] = [];
      // Two stay open, as an old stream and the one that takes over from it.
      for (let n = 0; n < 60; n++) client.Control().on('error', ({ code }: { code?: status }) => void codes.push(code));
      await until(() => codes.length >= 58);
      expect(codes).toContain(status.RESOURCE_EXHAUSTED);
    } finally {
      client.close();
    }
    await until(() =>
      agent.connect(world.address).then(
        () => true,
        () => (agent.cut(), false),
      ),
    );
    expect(world.engine?.reachable(agent.id)).toBe(true);
  });

  test('connections that say nothing, or nonsense, do not keep an agent out', async () => {
    await serve();
    const [host = '', port] = world.address.split(':');
    const at = { host, port: Number(port) };
    const nonsense = [
      '',
      'GET / HTTP/1.1\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      '\u0016\u0003\u0001',
      '\u0000'.repeat(10_000),
    ];
    await Promise.all(
      Array.from({ length: 500 }, async (_, index) => {
        const socket = connect(at).on('error', () => undefined);
        sockets.push(socket);
        await once(socket, 'connect');
        socket.write(nonsense[index % nonsense.length] ?? '');
      }),
    );
    // Those that speak TLS, but have no certificate to show.
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const socket = connectTls({ ...at, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
        socket.on('error', () => undefined);
        sockets.push(socket);
        await new Promise<void>((resolve) => socket.once('close', () => resolve()));
      }),
    );
    const agent = await world.agent('a');
    expect(world.engine?.reachable(agent.id)).toBe(true);
  });
});
