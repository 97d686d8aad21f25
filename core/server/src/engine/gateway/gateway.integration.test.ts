import { randomBytes, randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { Agents, type AgentsClient, type DownloadChunk__Output, type LogAck__Output } from '@stackyard/proto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startTestPostgres, type TestPostgres } from '../../postgres/testing.ts';
import { DiskLogStore } from '../logs.ts';
import { channelCredentials, channelOptions } from '../../identity/testing.ts';
import { ScriptedAgent } from '../testing/agent.ts';
import { EngineWorld, until } from '../testing/world.ts';

describe('what agents may do', () => {
  let postgres: TestPostgres;
  let world: EngineWorld;
  const clients: AgentsClient[] = [];
  const client = (agent: ScriptedAgent): AgentsClient => {
    const made = new Agents(world.address, channelCredentials(agent.credentials), channelOptions);
    clients.push(made);
    return made;
  };
  beforeAll(async () => {
    postgres = await startTestPostgres('embedded');
  });
  afterAll(() => postgres?.stop());
  beforeEach(async () => {
    world = await EngineWorld.open(await postgres.createDatabase());
    await world.serve();
  });
  afterEach(async () => {
    for (const each of clients.splice(0)) each.close();
    await world.clean();
  });

  test('a host that joins again keeps its id; its old certificate and stream end', async () => {
    const before = await world.agent('zk1');
    before.script = () => 'hold';
    const jobId = await world.job(await world.cluster('c'), [{ host: before }]);
    await until(() => before.held.size === 1);
    const again = new ScriptedAgent(await world.join('zk1'));
    world.agents.push(again);
    expect(again.id).toBe(before.id);
    await until(() => before.closedBecause?.includes('new certificate') ?? false);
    await expect(before.connect(world.address)).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    again.journalId = before.journalId;
    for (const [id, held] of before.held) again.held.set(id, held);
    await again.connect(world.address);
    again.finish([...again.held.keys()][0]!);
    expect(await world.ended(jobId)).toBe('SUCCESSFUL');
  });

  test('an agent whose process dies is not taken for one that says goodbye', async () => {
    const [dying, leaving] = [await world.agent('dying', { connect: false }), await world.agent('leaving')];
    // The kernel closes the connections of a dead process in good order, so that the stream seems to end as one that is over.
    for (let round = 0; round < 20; round++) {
      const relay = await relayTo(world.address);
      await dying.connect(relay.address);
      relay.close();
      await until(() => dying.closedBecause !== undefined);
      dying.cut();
    }
    await leaving.leave();
    await until(() => !world.engine?.reachable(leaving.id));
    expect(world.engine?.reachable(dying.id)).toBe(true);
  });

  test('output that cannot be stored ends the stream, so that the agent sends it again, and is stored then', async () => {
    const agent = await world.agent('a');
    agent.script = () => 'hold';
    await world.job(await world.cluster('c'), [{ host: agent }]);
    await until(() => agent.held.size === 1);
    const [id = ''] = agent.held.keys();
    const attempt = { taskId: id.split('/')[0]!, number: 1 };
    const send = (): Promise<number | undefined> => {
      const call = client(agent).Logs();
      const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
      call.on('data', ({ durableOffset }: LogAck__Output) => (call.end(), resolve(durableOffset)));
      call.on('error', reject);
      call.write({ chunks: [{ attempt, offset: 0, data: Buffer.from('hello') }] });
      return promise;
    };
    const full = vi
      .spyOn(DiskLogStore.prototype, 'append')
      .mockRejectedValueOnce(new Error('ENOSPC: no space left on device'));
    await expect(send()).rejects.toMatchObject({ code: status.UNAVAILABLE });
    full.mockRestore();
    expect(await send()).toBe(5);
  });

  test('output of an attempt is stored, acknowledged when durable, and kept from other hosts', async () => {
    const [a, b] = [await world.agent('a'), await world.agent('b')];
    a.script = () => 'hold';
    await world.job(await world.cluster('c'), [{ host: a }]);
    await until(() => a.held.size === 1);
    const [id] = a.held.keys();
    const [taskId] = id!.split('/');
    const attempt = { taskId: taskId!, number: 1 };
    const send = (agent: ScriptedAgent, chunks: object[]): Promise<number> => {
      const call = client(agent).Logs();
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      let left = chunks.length;
      call.on('data', ({ durableOffset }: LogAck__Output) => --left === 0 && (call.end(), resolve(durableOffset)));
      call.on('error', reject);
      call.write({ chunks });
      return promise;
    };
    expect(
      await send(a, [
        { attempt, offset: 0, data: Buffer.from('hello ') },
        { attempt, offset: 6, data: Buffer.from('world') },
      ]),
    ).toBe(11);
    expect(await send(b, [{ attempt, offset: 11, data: Buffer.from(' from b') }])).toBe(18);
    expect(world.logs.size(id!)).toBe(11);
    expect(await send(a, [{ attempt, offset: 11, data: Buffer.alloc(0), last: true }])).toBe(11);
    expect(world.logs.complete(id!)).toBe(true);
  });

  test('a download starts anywhere, ends early when the agent has enough, and names what is not there', async () => {
    const agent = await world.agent('a');
    const content = randomBytes(3_000_000);
    const path = join(tmpdir(), `stackyard-blob-${randomUUID()}`);
    await writeFile(path, content);
    try {
      world.blobs = { open: (digest) => (digest === 'sha256-x' ? { path, size: content.length } : undefined) };
      await world.restart();
      const read = async (offset: number): Promise<Buffer> => {
        const parts: Buffer[] = [];
        for await (const { data } of client(agent).Download({
          digest: 'sha256-x',
          offset,
        }) as AsyncIterable<DownloadChunk__Output>)
          parts.push(data);
        return Buffer.concat(parts);
      };
      expect((await read(0)).equals(content)).toBe(true);
      expect((await read(2_999_990)).equals(content.subarray(2_999_990))).toBe(true);
      expect((await read(3_000_000)).length).toBe(0);
      await expect(read(3_000_001)).rejects.toMatchObject({ code: status.OUT_OF_RANGE });
      const early = client(agent).Download({ digest: 'sha256-x' });
      early.on('error', () => undefined);
      early.once('data', () => early.cancel());
      const missing = client(agent).Download({ digest: 'sha256-y' });
      const { promise, resolve } = Promise.withResolvers<{ code?: number }>();
      missing.on('error', resolve);
      missing.resume();
      expect((await promise).code).toBe(status.NOT_FOUND);
    } finally {
      await rm(path, { force: true });
    }
  });

  test('a server that stops says when to come back', async () => {
    const agent = await world.agent('a');
    await world.engine!.stop();
    await until(() => agent.closedBecause !== undefined);
    expect(agent.received.at(-1)?.goaway).toMatchObject({ reason: 'The server is stopping.' });
  });
});

/** A way to an address that can be closed at both ends without a word of the protocol. */
async function relayTo(address: string): Promise<{ readonly address: string; readonly close: () => void }> {
  const sockets: Socket[] = [];
  const server = createServer((from) => {
    const to = connect(Number(address.split(':')[1]), '127.0.0.1');
    sockets.push(from, to);
    for (const socket of [from, to]) socket.on('error', () => undefined);
    from.pipe(to);
    to.pipe(from);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.end();
  };
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}
