import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPostgres, testPostgresKinds, type TestPostgres } from '../postgres/testing.ts';
import { ServerWorld } from '../api/testing/world.ts';

describe.each(testPostgresKinds())('clusters on %s PostgreSQL', (kind) => {
  let postgres: TestPostgres;
  let world: ServerWorld;
  beforeAll(async () => {
    postgres = await startTestPostgres(kind);
    world = await ServerWorld.start(await postgres.createDatabase(), { stacks: [{ name: 'demo' }] });
    await world.join('h1', 'h2', 'h3');
    await world.cluster('c', ['h1', 'h2'], { demo: true });
  });
  afterAll(async () => {
    await world?.close();
    await postgres?.stop();
  });

  const revision = async () => (await world.get('/clusters/c')).body.revision as number;

  describe('clusters and hosts', () => {
    test('a cluster with services stays; an empty one leaves and frees its hosts', async () => {
      const refused = await world.send('DELETE', '/clusters/c');
      expect([refused.status, refused.body.code, refused.body.detail]).toEqual([
        409,
        'CLUSTER_NOT_EMPTY',
        'The cluster c still has demo. Remove it first.',
      ]);
      await world.cluster('short', ['h3']);
      expect((await world.get('/hosts/h3')).body.clusterId).not.toBeNull();
      expect((await world.send('DELETE', '/clusters/short')).status).toBe(204);
      expect((await world.get('/hosts/h3')).body.clusterId).toBeNull();
      expect((await world.send('DELETE', '/clusters/short')).status).toBe(404);
    });

    test('a cluster with an unfinished job stays until it has ended', async () => {
      await world.cluster('busy', ['h3']);
      const agent = world.agent('h3');
      const script = agent.script;
      agent.script = () => 'hold';
      const { body: job } = await world.post('/clusters/busy/commands', {
        command: 'add',
        services: [{ service: 'demo', components: { worker: ['h3'], head: [] } }],
      });
      // The service is what is named first; without it, it is the job.
      for (const table of ['service', 'host_component'])
        await world.sql(`delete from ${table} where cluster_id = $1`, [job.clusterId]);
      const refused = await world.send('DELETE', '/clusters/busy');
      expect([refused.status, refused.body.code]).toEqual([409, 'CLUSTER_BUSY']);
      await world.post(`/jobs/${job.id}/cancel`);
      expect((await world.get(`/jobs/${job.id}?wait=30s`)).body.state).toBe('CANCELED');
      agent.script = script;
      expect((await world.send('DELETE', '/clusters/busy')).status).toBe(204);
      const retry = await world.post(`/jobs/${job.id}/retry`);
      expect([retry.status, retry.body.code]).toEqual([409, 'RETRY_REFUSED']);
    });

    test('a host is in one cluster, and which one is said', async () => {
      await world.cluster('d');
      for (const answer of [
        await world.post('/clusters', { name: 'e', hosts: ['h3', 'h1'] }),
        await world.post('/clusters/d/hosts', { hosts: ['h3', 'h1'] }),
      ]) {
        expect([answer.status, answer.body.code, answer.body.detail]).toEqual([
          409,
          'HOST_IN_USE',
          expect.stringContaining('h1 is in the cluster c'),
        ]);
      }
      expect((await world.get('/hosts/h3')).body.clusterId).toBeNull();
      expect((await world.get('/clusters/e')).status).toBe(404);
      const unknown = await world.post('/clusters/d/hosts', { hosts: ['h3', 'nope'] });
      expect([unknown.status, unknown.body.detail]).toEqual([404, 'There is no host nope.']);
      const placed = await world.post('/clusters/d/plans', {
        command: 'add',
        services: [{ service: 'demo', components: { worker: ['h1'] } }],
      });
      expect([placed.status, placed.body.code]).toEqual([422, 'PLAN_REFUSED']);
    });

    test('hosts that are in it already change nothing, so that plans stay good', async () => {
      const before = await revision();
      expect((await world.post('/clusters/c/hosts', { hosts: ['h1', 'h2'] })).body.revision).toBe(before);
      expect((await world.post('/clusters/c/hosts', { hosts: ['h3'] })).body.revision).toBe(before + 1);
      expect((await world.send('DELETE', '/clusters/c/hosts/h3')).body.revision).toBe(before + 2);
      expect((await world.send('DELETE', '/clusters/c/hosts/h3')).body).toMatchObject({
        status: 409,
        code: 'HOST_IN_USE',
      });
    });

    test('a host with components is neither taken out nor forgotten', async () => {
      for (const path of ['/clusters/c/hosts/h2', '/hosts/h2']) {
        const answer = await world.send('DELETE', path);
        expect([answer.status, answer.body.code, answer.body.detail]).toEqual([
          409,
          'HOST_IN_USE',
          expect.stringContaining('worker'),
        ]);
      }
      expect((await world.send('DELETE', '/hosts/h3')).status).toBe(204);
      expect((await world.get('/hosts/h3')).status).toBe(404);
      world.agent('h3').cut();
      world.agents.delete('h3');
    });

    test('of many clusters of one name at once, one is made', async () => {
      const answers = await Promise.all(Array.from({ length: 6 }, () => world.post('/clusters', { name: 'twin' })));
      expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409, 409, 409]);
    });
  });
});
