import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Fleet, startFleet } from '@stackyard/fleet';
import { createLogger } from '@stackyard/kernel';
import { buildStack } from '@stackyard/sdk/build';
import { type RunningServer, startServer } from '@stackyard/server';
import { startTestPostgres, type TestPostgres } from '@stackyard/server/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Api } from './api.ts';
import { type JoinTicket, until } from './world.ts';

const mock = fileURLToPath(new URL('../../../examples/mock-stack', import.meta.url));
interface Authority {
  readonly phase: string;
  readonly issuing: string;
  readonly trusted: readonly { readonly sha256: string }[];
  readonly behind: readonly string[];
}

/** A real server with certificates that live for seconds, and simulated agents that speak the real protocol. */
describe('certificates', () => {
  let postgres: TestPostgres;
  let databaseUrl: string;
  let dir: string;
  let stack: string;
  let server: RunningServer | undefined;
  let fleet: Fleet | undefined;
  let api: Api;
  let ports = { agents: 0, enrolment: 0 };
  beforeAll(async () => {
    postgres = await startTestPostgres('embedded');
    dir = await mkdtemp(join(tmpdir(), 'stackyard-certificates-'));
    stack = (await buildStack(mock, { outDir: join(dir, 'stacks') })).file;
  });
  afterAll(async () => {
    await postgres?.stop();
    await rm(dir, { recursive: true, force: true });
  });
  beforeEach(async () => {
    databaseUrl = await postgres.createDatabase();
    ports = { agents: 0, enrolment: 0 };
  });
  afterEach(async () => {
    await fleet?.stop();
    await server?.stop();
    [fleet, server] = [undefined, undefined];
    await rm(join(dir, 'data'), { recursive: true, force: true });
  });

  async function serve(certificateLifeMs: number): Promise<void> {
    const at = (port: number) => ({ host: '127.0.0.1', port });
    server = await startServer({
      dataDir: join(dir, 'data'),
      databaseUrl,
      http: at(0),
      agents: at(ports.agents),
      enrolment: at(ports.enrolment),
      identity: { certificateLifeMs },
      packages: { origin: 'maven' },
      stacks: [stack],
      plugins: [],
      engine: { heartbeatMs: 1_000, leaseMs: 10_000 },
      log: createLogger({ level: 'silent' }),
      onFatal: (error) => console.error(error),
    });
    const portOf = (endpoint: string) => Number(endpoint.split(':').at(-1));
    ports = { agents: portOf(server.agentEndpoint), enrolment: portOf(server.enrolmentEndpoint) };
    api = new Api(server.url, server.token);
  }

  async function populate(size: number, durationMs: number): Promise<string[]> {
    const names = Array.from({ length: size }, (_, index) => `sim-${index + 1}`);
    const tickets: JoinTicket[] = [];
    for (const hostName of names) tickets.push(await api.post<JoinTicket>('/hosts/tokens', { hostName }));
    const [{ enrolment: endpoint, authoritySha256: caSha256 }] = tickets as [JoinTicket];
    fleet = await startFleet({
      enrolment: { endpoint, caSha256 },
      agents: size,
      join: tickets.map(({ token }) => token),
      executor: { duration: { kind: 'fixed', ms: durationMs } },
    });
    await untilAll(size);
    await api.post('/clusters', { name: 'c', hosts: names });
    await api.run('c', {
      command: 'add',
      services: [{ service: 'mock', components: { worker: names, follower: [] } }],
    });
    return names;
  }

  async function untilAll(size: number): Promise<void> {
    await until('the server reaches all agents', async () => {
      const { items } = await api.get<{ items: { reachable: boolean }[] }>('/hosts?limit=500');
      return items.filter(({ reachable }) => reachable).length === size;
    });
  }

  const authority = () => api.get<Authority>('/server/authority');
  const step = (name: string, force = false) =>
    api.post<Authority>('/server/authority/rotate', { step: name, ...(force ? { force } : {}) });
  const untilReady = () => until('no host is behind', async () => (await authority()).behind.length === 0);

  test('thirty certificates in a row are renewed while tasks run, and no stream breaks', async () => {
    await serve(4_000);
    const size = 3;
    const names = await populate(size, 200);
    const before = fleet!.stats().renewals;
    const states = new Set<string>();
    while (fleet!.stats().renewals - before < 30 * size)
      states.add((await api.run('c', { command: 'check', target: { service: 'mock' } })).state);
    expect([...states]).toEqual(['SUCCESSFUL']);
    expect(fleet!.stats()).toMatchObject({ connected: size, connections: size, lapses: 0, failed: 0, killed: 0 });
    expect(names).toHaveLength(size);
  });

  test('one authority takes over from another, there and back and there again, and no stream breaks', async () => {
    const size = 100;
    await serve(30_000);
    await populate(size, 5);
    const { issuing: old } = await authority();
    await step('start');
    await untilReady();
    const introduced = await authority();
    expect(introduced).toMatchObject({ phase: 'INTRODUCED', issuing: old });
    expect(introduced.trusted).toHaveLength(2);
    const next = introduced.trusted.find(({ sha256 }) => sha256 !== old)!.sha256;
    expect(await step('switch')).toMatchObject({ phase: 'SWITCHED', issuing: next });
    await untilReady();
    // Half of a rotation is no place to be stuck in: back to the old one, and out.
    expect(await step('rollback')).toMatchObject({ phase: 'INTRODUCED', issuing: old });
    await expect(step('rollback')).rejects.toThrow(/AGENTS_BEHIND: "rollback" would cut off 100 hosts/);
    await until('all have renewed by the old authority', async () =>
      step('rollback').then(
        ({ phase }) => phase === 'SETTLED',
        () => false,
      ),
    );
    expect(await authority()).toMatchObject({ phase: 'SETTLED', issuing: old, trusted: [{ sha256: old }] });
    await step('start');
    await untilReady();
    const { issuing: third } = await step('switch');
    await untilReady();
    expect(await step('finish')).toMatchObject({ phase: 'SETTLED', issuing: third });
    expect([third === old, third === next]).toEqual([false, false]);
    expect(fleet!.stats()).toMatchObject({ connected: size, connections: size });
    const job = await api.run('c', { command: 'check', target: { service: 'mock' } });
    expect(job).toMatchObject({ state: 'SUCCESSFUL' });
    // After a restart everybody comes back by what it has now.
    await server?.stop();
    await serve(60_000);
    await untilAll(size);
    expect((await api.run('c', { command: 'check', target: { service: 'mock' } })).state).toBe('SUCCESSFUL');
  });

  test('a step that would cut off hosts that are away names them, and can be forced', async () => {
    await serve(60_000);
    await populate(3, 5);
    await fleet!.stop();
    await step('start');
    const switching = step('switch');
    await expect(switching).rejects.toThrow(/AGENTS_BEHIND: "switch" would cut off 3 hosts .*: sim-1, sim-2, sim-3\./);
    await step('switch', true);
    await expect(step('finish')).rejects.toThrow(/AGENTS_BEHIND/);
    await expect(step('start')).rejects.toThrow(/ROTATION_STEP.*Possible: finish, rollback/);
    await api.post('/hosts/sim-1/revoke');
    expect((await authority()).behind).toEqual(['sim-2', 'sim-3']);
    await step('finish', true);
    expect(await authority()).toMatchObject({ phase: 'SETTLED', behind: [] });
  });

  test('a host that is revoked while its tasks run is cut off, alone, until it joins again', async () => {
    await serve(600_000);
    const size = 3;
    await populate(size, 400);
    const running = api.run('c', { command: 'check', target: { service: 'mock' } });
    await until('tasks run', async () => fleet!.stats().started > fleet!.stats().succeeded);
    await api.post('/hosts/sim-2/revoke');
    await until('the agent is cut off', async () => fleet!.stats().connected === size - 1);
    const { items } = await api.get<{ items: { name: string; reachable: boolean }[] }>('/hosts');
    expect(items.filter(({ reachable }) => !reachable).map(({ name }) => name)).toEqual(['sim-2']);
    const ticket = await api.post<JoinTicket>('/hosts/tokens', { hostName: 'sim-2' });
    const again = await startFleet({
      enrolment: { endpoint: ticket.enrolment, caSha256: ticket.authoritySha256 },
      agents: 1,
      hostName: () => 'sim-2',
      join: [ticket.token],
      executor: { duration: { kind: 'fixed', ms: 5 } },
    });
    try {
      await untilAll(size);
      // What ran on the host when it was cut off cannot be known by an agent without a journal; the others went on.
      await running;
      const tasks = await api.run('c', { command: 'check', target: { service: 'mock', hosts: ['sim-2'] } });
      expect(tasks.state).toBe('SUCCESSFUL');
    } finally {
      await again.stop();
    }
  });

  test('nothing that the server keeps is for others to read', async () => {
    await serve(600_000);
    await populate(1, 5);
    await step('start');
    const root = join(dir, 'data');
    const open: string[] = [];
    let keys = 0;
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const text = (await readFile(path)).toString('latin1');
      const isSecret = text.includes('PRIVATE KEY') || text.includes(server!.token);
      if (isSecret) keys += 1;
      if (isSecret && ((await stat(path)).mode & 0o077) !== 0) open.push(path);
    }
    // Two authorities and the token of the administrator: the server's own key is in memory only.
    expect([open, keys]).toEqual([[], 3]);
    expect((await stat(root)).mode & 0o077).toBe(0);
  });
});
