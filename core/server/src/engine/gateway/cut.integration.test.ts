import { randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { Agents, type AgentsClient } from '@stackyard/proto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Hosts } from '../../hosts/hosts.ts';
import { channelCredentials, channelOptions } from '../../identity/testing.ts';
import { startTestPostgres, type TestPostgres } from '../../postgres/testing.ts';
import type { ScriptedAgent } from '../testing/agent.ts';
import { EngineWorld, until } from '../testing/world.ts';

/** The streams that an agent has open beside its control stream, and how they ended. */
interface Open {
  readonly ended: Map<'logs' | 'download', status | undefined>;
  /** Reads what is left of the download, which nobody has read so far. */
  readOn(): void;
}

describe('cutting a host off', () => {
  let postgres: TestPostgres;
  let world: EngineWorld;
  let hosts: Hosts;
  const clients: AgentsClient[] = [];
  beforeAll(async () => {
    postgres = await startTestPostgres('embedded');
  });
  afterAll(() => postgres?.stop());
  beforeEach(async () => {
    world = await EngineWorld.open(await postgres.createDatabase());
    const path = join(world.dir, 'blob');
    const content = randomBytes(4_000_000);
    await writeFile(path, content);
    world.blobs = { open: (digest) => (digest === 'sha256-x' ? { path, size: content.length } : undefined) };
    const engine = await world.serve();
    hosts = new Hosts({ transactions: engine.events, engine });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await world.clean();
  });

  async function openAll(agent: ScriptedAgent): Promise<Open> {
    const client = new Agents(world.address, channelCredentials(agent.credentials), channelOptions);
    clients.push(client);
    const ended: Open['ended'] = new Map();
    const logs = client.Logs();
    const download = client.Download({ digest: 'sha256-x' });
    for (const [name, call] of [['logs', logs] as const, ['download', download] as const])
      call.on('status', ({ code }) => ended.set(name, code)).on('error', () => undefined);
    const flowing = Promise.all([
      new Promise<void>((resolve) => logs.once('data', () => resolve())),
      // The server waits for this reader, so the download stays open.
      new Promise<void>((resolve) => download.once('data', () => (download.pause(), resolve()))),
    ]);
    logs.write({ chunks: [{ attempt: { taskId: randomUUID(), number: 1 }, offset: 0, data: Buffer.from('x') }] });
    await flowing;
    return { ended, readOn: () => download.resume() };
  }

  async function expectCut(agent: ScriptedAgent, open: Open): Promise<void> {
    open.readOn();
    await until(() => agent.closedBecause !== undefined && open.ended.size === 2);
    expect([...open.ended.values()]).toEqual([status.UNAUTHENTICATED, status.UNAUTHENTICATED]);
    expect(agent.closedBecause).toContain('UNAUTHENTICATED');
    await expect(agent.connect(world.address)).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  }

  const cuts: Readonly<Record<string, (hostId: string) => Promise<unknown>>> = {
    'its certificates are revoked': (hostId) => hosts.revoke(hostId),
    'it is removed': (hostId) => hosts.remove(hostId),
    'its certificates were revoked behind the back of this server': (hostId) =>
      world.db.sql.query('update agent_certificate set revoked_at = now() where host_id = $1', [hostId]),
    'its agent has not renewed its certificate': (hostId) =>
      world.db.sql.query(`update agent_certificate set expires_at = now() where host_id = $1`, [hostId]),
  };

  test.each(Object.keys(cuts))(
    'a host loses every stream that it has open when %s, and no other host does',
    async (why) => {
      const [agent, other] = [await world.agent('a'), await world.agent('b')];
      const [mine, theirs] = [await openAll(agent), await openAll(other)];
      await cuts[why]!(agent.id);
      await until(() => agent.closedBecause !== undefined);
      expect(world.engine?.reachable(agent.id)).toBe(false);
      if (why.includes('renewed')) {
        // Its certificate as such is good for longer here; what is on record decides what stays open.
        await until(() => agent.closedBecause?.includes('UNAUTHENTICATED') ?? false);
      } else await expectCut(agent, mine);
      expect([other.closedBecause, theirs.ended.size]).toEqual([undefined, 0]);
      expect(world.engine?.reachable(other.id)).toBe(true);
    },
  );

  test('a host that was revoked is known still, has no good token left, and comes back under its id by a new one', async () => {
    const agent = await world.agent('a');
    const token = await world.token('a');
    await hosts.revoke('a');
    const { rows } = await world.db.sql.query('select 1 from join_token where used_at is null');
    expect([rows.length, token.length > 0]).toEqual([0, true]);
    await hosts.issueToken({ hostName: 'a', createdBy: 'test' });
    expect((await world.join('a')).agentId).toBe(agent.id);
  });

  test('a newer log stream of a host takes over from the one before', async () => {
    const agent = await world.agent('a');
    const first = await openAll(agent);
    const second = await openAll(agent);
    await until(() => first.ended.has('logs'));
    expect([first.ended.get('logs'), second.ended.size]).toEqual([status.ABORTED, 0]);
  });

  test('a host that opens more downloads than it can need is told to wait with them', async () => {
    const agent = await world.agent('a');
    const client = new Agents(world.address, channelCredentials(agent.credentials), channelOptions);
    clients.push(client);
    const codes = await Promise.all(
      Array.from({ length: 18 }, async () => {
        const call = client.Download({ digest: 'sha256-x' }).on('error', () => undefined);
        const { promise, resolve } = Promise.withResolvers<status>();
        call.once('data', () => (call.pause(), resolve(status.OK)));
        call.on('status', ({ code }) => resolve(code));
        return promise;
      }),
    );
    const refused = codes.filter((code) => code === status.RESOURCE_EXHAUSTED);
    expect([codes.filter((code) => code === status.OK).length, refused.length]).toEqual([16, 2]);
  });
});
