import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { joinHost } from '../enrolment/testing.ts';
import { until } from '../engine/testing/world.ts';
import { startTestPostgres, testPostgresKinds, type TestPostgres } from '../postgres/testing.ts';
import { plainDefinition } from './testing/stacks.ts';
import { obedient, ServerWorld } from './testing/world.ts';

describe.each(testPostgresKinds())('jobs and hosts on %s PostgreSQL', (kind) => {
  let postgres: TestPostgres;
  let world: ServerWorld;
  beforeAll(async () => {
    postgres = await startTestPostgres(kind);
    world = await ServerWorld.start(await postgres.createDatabase(), {
      stacks: [{ name: 'demo' }, { name: 'plain', definition: plainDefinition('plain') }],
    });
    await world.join('h1', 'h2');
    await world.cluster('c', ['h1', 'h2'], { demo: true });
  });
  afterAll(async () => {
    await world?.close();
    await postgres?.stop();
  });

  const command = async (body: object) => (await world.post('/clusters/c/commands', body)).body;
  const states = async (id: string) =>
    (await world.get(`/jobs/${id}/tasks?limit=500`)).body.items.map(
      ({ host, phase, state, attempts }: Record<string, string>) => `${host} ${phase} ${state} ${attempts}`,
    );

  describe('jobs', () => {
    test('a wait ends with the job, or when the time is up', async () => {
      const agent = world.agent('h1');
      agent.script = () => 'hold';
      const job = await command({ command: 'check', target: { hosts: ['h1'] } });
      const early = await world.get(`/jobs/${job.id}?wait=1s`);
      expect([early.status, ['PENDING', 'RUNNING'].includes(early.body.state)]).toEqual([200, true]);
      const waiting = Promise.all(Array.from({ length: 30 }, () => world.get(`/jobs/${job.id}?wait=60s`)));
      await until(() => agent.held.size === 2);
      for (const id of agent.held.keys()) agent.finish(id);
      for (const { status, body } of await waiting) expect([status, body.state]).toEqual([200, 'SUCCESSFUL']);
      agent.script = obedient;
      for (const wait of ['0s', '61s', '1', '1m', '-1s', ''])
        expect((await world.get(`/jobs/${job.id}?wait=${wait}`)).status).toBe(400);
    });

    test('a client that stops waiting leaves nothing behind', async () => {
      const agent = world.agent('h1');
      agent.script = () => 'hold';
      const job = await command({ command: 'check', target: { hosts: ['h1'], component: 'worker', service: 'demo' } });
      const gone = new AbortController();
      const waiting = Array.from({ length: 20 }, () =>
        fetch(`${world.server.url}/api/v1/jobs/${job.id}?wait=60s`, {
          headers: { authorization: `Bearer ${world.server.token}` },
          signal: gone.signal,
        }).catch(() => undefined),
      );
      await until(() => agent.held.size === 1);
      gone.abort();
      await Promise.all(waiting);
      agent.script = obedient;
      for (const id of agent.held.keys()) agent.finish(id);
      expect((await world.get(`/jobs/${job.id}?wait=30s`)).body.state).toBe('SUCCESSFUL');
    });

    test('a command that has nothing to do is a job that is done', async () => {
      expect(
        (await world.run('c', { command: 'add', services: [{ service: 'plain', components: { only: ['h1'] } }] }))
          .state,
      ).toBe('SUCCESSFUL');
      const job = await command({ command: 'check', target: { service: 'plain' } });
      expect(job).toMatchObject({ state: 'SUCCESSFUL', tasks: 0, title: 'Check plain' });
      expect(job.finishedAt).not.toBeNull();
      expect((await world.get(`/jobs/${job.id}?wait=30s`)).body).toEqual(job);
      expect((await world.get(`/jobs/${job.id}/tasks`)).body).toEqual({ items: [], nextCursor: null });
      expect((await world.post(`/jobs/${job.id}/cancel`)).body.state).toBe('SUCCESSFUL');
      expect((await world.post(`/jobs/${job.id}/retry`)).body.code).toBe('JOB_NOT_RETRYABLE');
    });

    test('a failed task cancels what follows; retry runs only what had not succeeded', async () => {
      world.agent('h2').script = (envelope) =>
        envelope.phase === 'start' ? { reason: 'EXIT_CODE', message: 'no', exitCode: 3 } : obedient(envelope);
      const job = await world.run('c', { command: 'restart', target: { service: 'demo', component: 'worker' } });
      expect(job).toMatchObject({ state: 'FAILED' });
      const before: string[] = await states(job.id);
      expect(before).toContain('h2 start FAILED 1');
      expect(before.some((line) => line.includes('CANCELED'))).toBe(true);
      const failed = (await world.get(`/jobs/${job.id}/tasks?state=FAILED`)).body.items;
      expect(failed).toHaveLength(1);
      expect((await world.get(`/tasks/${failed[0].id}/attempts`)).body.items).toMatchObject([
        { number: 1, state: 'FAILED', exitCode: 3, message: 'no' },
      ]);
      world.agent('h2').script = obedient;
      expect((await world.post(`/jobs/${job.id}/retry`)).status).toBe(202);
      expect((await world.get(`/jobs/${job.id}?wait=30s`)).body.state).toBe('SUCCESSFUL');
      expect(await states(job.id)).toEqual(
        before.map((line) =>
          line.includes('SUCCESSFUL') ? line : line.replace(/(FAILED|CANCELED) 1/, 'SUCCESSFUL 2'),
        ),
      );
      expect((await world.post(`/jobs/${job.id}/retry`)).body).toMatchObject({
        status: 409,
        code: 'JOB_NOT_RETRYABLE',
      });
    });

    test('of many retries at once one counts', async () => {
      world.agent('h2').script = () => ({ reason: 'EXIT_CODE', message: 'no' });
      const job = await world.run('c', {
        command: 'check',
        target: { service: 'demo', component: 'worker', hosts: ['h2'] },
      });
      world.agent('h2').script = obedient;
      const answers = await Promise.all(Array.from({ length: 5 }, () => world.post(`/jobs/${job.id}/retry`)));
      expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 409)).toHaveLength(4);
      expect((await world.get(`/jobs/${job.id}?wait=30s`)).body.state).toBe('SUCCESSFUL');
    });

    test('a retry is refused when layout or configs have moved on', async () => {
      world.agent('h2').script = () => ({ reason: 'EXIT_CODE', message: 'no' });
      const job = await world.run('c', {
        command: 'check',
        target: { service: 'demo', component: 'worker', hosts: ['h2'] },
      });
      world.agent('h2').script = obedient;
      expect(job.state).toBe('FAILED');
      const config = '/clusters/c/services/demo/config';
      const { headers } = await world.get(config);
      expect(
        (
          await world.send('PUT', config, {
            body: { values: { 'demo.properties': { threads: 7 } } },
            headers: { 'if-match': headers.get('etag') ?? '' },
          })
        ).status,
      ).toBe(200);
      const refused = await world.post(`/jobs/${job.id}/retry`);
      expect([refused.status, refused.body.code, refused.body.detail]).toEqual([
        409,
        'RETRY_REFUSED',
        expect.stringContaining('Plan the command again'),
      ]);
    });

    test('a cancelled job ends what runs and drops what waits', async () => {
      const agent = world.agent('h1');
      agent.script = () => 'hold';
      const [first, second] = [
        await command({ command: 'restart', target: { hosts: ['h1'], service: 'demo' } }),
        await command({ command: 'check', target: {} }),
      ];
      await until(() => agent.held.size > 0);
      for (const { id } of [second, first]) expect((await world.post(`/jobs/${id}/cancel`)).status).toBe(202);
      for (const { id } of [first, second])
        expect((await world.get(`/jobs/${id}?wait=30s`)).body).toMatchObject({
          state: 'CANCELED',
          cancelRequested: true,
        });
      agent.script = obedient;
    });
  });

  describe('joining', () => {
    test('of twenty agents with one token one joins', async () => {
      const made = (await world.post('/hosts/tokens', { hostName: 'once' })).body;
      const joins = await Promise.allSettled(Array.from({ length: 20 }, () => joinHost(made)));
      expect(joins.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect((await world.get('/hosts/once')).body).toMatchObject({ name: 'once', reachable: false, facts: null });
    });

    test('a token is for its host and for its time, and is kept as a hash', async () => {
      const made = (await world.post('/hosts/tokens', { hostName: 'late', ttlSeconds: 60 })).body;
      const { token, expiresAt } = made;
      const { agentEndpoint, enrolmentEndpoint, authoritySha256 } = world.server;
      expect(made).toMatchObject({ server: agentEndpoint, enrolment: enrolmentEndpoint, authoritySha256 });
      expect(Math.abs(Date.parse(expiresAt) - Date.now() - 60_000)).toBeLessThan(10_000);
      expect(JSON.stringify(await world.sql('select * from join_token'))).not.toContain(token);
      await expect(joinHost({ ...made, hostName: 'other' })).rejects.toThrow(/^403 /);
      await world.sql(`update join_token set expires_at = now() - interval '1 second' where host_name = 'late'`);
      await expect(joinHost(made)).rejects.toThrow(/^403 /);
      expect((await world.get('/hosts/late')).status).toBe(404);
    });

    test.each([
      { hostName: '' },
      { hostName: 'a b' },
      { hostName: '-a' },
      { hostName: '$(reboot)' },
      { hostName: '../etc' },
      { hostName: 'h'.repeat(254) },
      { hostName: '00000000-0000-4000-8000-000000000000' },
      { hostName: 'x', ttlSeconds: 59 },
      { hostName: 'x', ttlSeconds: 86_401 },
      { hostName: 'x', ttlSeconds: '60' },
      {},
    ])('no token for %j', async (body) => {
      expect((await world.post('/hosts/tokens', body)).status).toBe(400);
    });

    test('tokens for many hosts are made at once, or none of them', async () => {
      const hostNames = Array.from({ length: 1_000 }, (_, index) => `many-${index}`);
      const { status, body } = await world.post('/hosts/tokens/batch', { hostNames });
      expect(status).toBe(201);
      expect(body.tokens.map(({ hostName }: { hostName: string }) => hostName)).toEqual(hostNames);
      expect(new Set(body.tokens.map(({ token }: { token: string }) => token)).size).toBe(1_000);
      expect(body).toMatchObject({
        enrolment: expect.any(String),
        authoritySha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
      for (const wrong of [[], [...hostNames, 'one-more'], ['twice', 'twice'], ['a b'], 'a'])
        expect((await world.post('/hosts/tokens/batch', { hostNames: wrong })).status).toBe(400);
      expect((await world.post('/hosts/tokens/batch', { hostNames: ['free', 'h1'] })).body).toMatchObject({
        status: 409,
        code: 'NAME_TAKEN',
      });
    });

    test('nobody takes the name of a host that is connected; one that is away may join anew', async () => {
      expect((await world.post('/hosts/tokens', { hostName: 'h1' })).body).toMatchObject({
        status: 409,
        code: 'NAME_TAKEN',
      });
      await world.join('h9');
      const { id } = (await world.get('/hosts/h9')).body;
      world.agent('h9').cut();
      world.agents.delete('h9');
      await until(async () => !(await world.get('/hosts/h9')).body.reachable);
      await world.join('h9');
      expect((await world.get('/hosts/h9')).body.id).toBe(id);
    });

    test('a host that was forgotten is cut off and cannot come back without a token', async () => {
      const agent = world.agent('h9');
      expect((await world.send('DELETE', '/hosts/h9')).status).toBe(204);
      await until(() => agent.closedBecause !== undefined);
      await expect(agent.connect(world.server.agentEndpoint)).rejects.toThrow(/UNAUTHENTICATED/);
      agent.cut();
      world.agents.delete('h9');
      expect((await world.get('/hosts/h9')).status).toBe(404);
    });

    test('components of a lost host leave without it, and then the host can be forgotten', async () => {
      await world.join('dead');
      await world.post('/clusters/c/hosts', { hosts: ['dead'] });
      await world.run('c', { command: 'add', services: [{ service: 'demo', components: { worker: ['dead'] } }] });
      world.agent('dead').cut();
      world.agents.delete('dead');
      await until(async () => !(await world.get('/hosts/dead')).body.reachable);
      expect((await world.send('DELETE', '/hosts/dead')).body.code).toBe('HOST_IN_USE');
      const job = await world.run('c', { command: 'remove', target: { hosts: ['dead'] }, data: 'keep', lost: true });
      expect(job.state).toBe('SUCCESSFUL');
      expect((await world.get('/clusters/c/components?host=dead')).body.items).toEqual([]);
      expect((await world.send('DELETE', '/hosts/dead')).status).toBe(204);
    });
  });

  test('whether data goes is what the task is told', async () => {
    const told: boolean[] = [];
    for (const data of ['keep', 'delete'] as const) {
      world.agent('h2').script = (envelope) => {
        if (envelope.phase === 'remove') told.push(envelope.deleteData);
        return obedient(envelope);
      };
      expect(
        (
          await world.run('c', {
            command: 'remove',
            target: { service: 'demo', component: 'worker', hosts: ['h2'] },
            data,
          })
        ).state,
      ).toBe('SUCCESSFUL');
      expect(
        (await world.run('c', { command: 'add', services: [{ service: 'demo', components: { worker: ['h2'] } }] }))
          .state,
      ).toBe('SUCCESSFUL');
    }
    expect(told).toEqual([false, true]);
    const workers = (await world.get('/clusters/c/components?service=demo&component=worker')).body.items;
    expect(workers.find(({ host }: { host: string }) => host === 'h2').ordinal).toBeGreaterThan(2);
    world.agent('h2').script = obedient;
  });

  test('when everything is removed the cluster is empty and can be deleted', async () => {
    for (const service of ['demo', 'plain'])
      expect((await world.run('c', { command: 'remove', target: { service }, data: 'delete' })).state).toBe(
        'SUCCESSFUL',
      );
    expect((await world.get('/clusters/c/services')).body.items).toEqual([]);
    expect((await world.send('DELETE', '/clusters/c')).status).toBe(204);
    expect((await world.get('/jobs?limit=1')).body.items).toHaveLength(1);
  });
});
