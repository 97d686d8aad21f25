import { Agents } from '@stackyard/proto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { outbox } from '../engine/testing/outbox.ts';
import { until } from '../engine/testing/world.ts';
import { channelCredentials, channelOptions } from '../identity/testing.ts';
import { startTestPostgres, testPostgresKinds, type TestPostgres } from '../postgres/testing.ts';
import { Listening } from './testing/sse.ts';
import { obedient, ServerWorld } from './testing/world.ts';

describe.each(testPostgresKinds())('streams on %s PostgreSQL', (kind) => {
  let postgres: TestPostgres;
  let world: ServerWorld;
  const open: Listening[] = [];
  beforeAll(async () => {
    postgres = await startTestPostgres(kind);
    world = await ServerWorld.start(await postgres.createDatabase(), { stacks: [{ name: 'demo' }] });
    await world.join('a1', 'a2', 'b1');
    await world.cluster('a', ['a1', 'a2'], { demo: true });
    await world.cluster('b', ['b1'], { demo: true });
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.cut()));
  });
  afterAll(async () => {
    await world?.close();
    await postgres?.stop();
  });

  async function listen(path: string, lastEventId?: string): Promise<Listening> {
    const made = await Listening.open(world, path, { lastEventId });
    open.push(made);
    return made;
  }
  const check = async (cluster: string) =>
    (await world.post(`/clusters/${cluster}/commands`, { command: 'check', target: {} })).body.id as string;
  const ended = async (id: string) => (await world.get(`/jobs/${id}?wait=60s`)).body.state as string;
  const stored = () =>
    world.sql<{ id: number }>(`select id::int from ${outbox} order by id`).then((rows) => rows.map(({ id }) => id));

  describe('events', () => {
    test('a stream that resumes from events that are no longer kept says that there is a gap', async () => {
      await check('a').then(ended);
      const oldest = (await world.sql<{ id: number }>('select min(id)::int as id from event_run'))[0]!.id;
      await world.sql(`delete from event_run where id = ${oldest}`);
      const next = Math.min(...(await stored()));
      expect(next).toBe(oldest + 1);
      const [exact, late] = [await listen(`/events?after=${oldest}`), await listen(`/events?after=${oldest - 1}`)];
      await Promise.all([exact, late].map((stream) => stream.untilHeard((heard) => heard.length > 1)));
      expect(exact.heard[0]?.data).toEqual({ after: oldest });
      expect(late.heard[0]?.data).toEqual({ after: oldest - 1, gap: true });
      expect(late.heard[1]?.id).toBe(String(next));
    });

    test('a stream starts now, and says where', async () => {
      const stream = await listen('/events');
      await stream.untilHeard((heard) => heard.length > 0);
      const newest = Math.max(...(await stored()));
      expect(stream.heard[0]).toEqual({ id: String(newest), event: 'ready', data: { after: newest } });
      const id = await check('a');
      await stream.untilHeard((heard) =>
        heard.some(({ event, data }) => event === 'job' && data.jobId === id && data.state === 'SUCCESSFUL'),
      );
    });

    test('whoever is cut off again and again hears every event once, in order, while jobs of two clusters run', async () => {
      const from = Math.max(...(await stored()));
      let last = String(from);
      const heard: number[] = [];
      let running = true;
      const jobs = (async () => {
        for (let round = 0; round < 8; round++) {
          const ids = await Promise.all(['a', 'b', 'a', 'b'].map(check));
          expect(await Promise.all(ids.map(ended))).toEqual(['SUCCESSFUL', 'SUCCESSFUL', 'SUCCESSFUL', 'SUCCESSFUL']);
        }
        running = false;
      })();
      const newest = () =>
        world.sql<{ id: number }>('select max(id)::int as id from event_run').then(([row]) => row?.id ?? 0);
      for (let pieces = 1; running || heard.length === 0 || (heard.at(-1) ?? 0) < (await newest()); pieces++) {
        const stream = await Listening.open(world, '/events', { lastEventId: last });
        await until(() => stream.heard.length > (pieces % 7) + 1 || !running).catch(() => undefined);
        await stream.cut();
        for (const { id, event } of stream.heard) if (event !== 'ready') heard.push(Number(id));
        last = stream.lastId ?? last;
      }
      await jobs;
      expect(heard).toEqual((await stored()).filter((id) => id > from));
    });

    test('topics and cluster let through what they name, and only that', async () => {
      const clusterB = (await world.get('/clusters/b')).body.id;
      const [all, ofB, tasks] = await Promise.all([
        listen('/events?after=0'),
        listen('/events?after=0&cluster=b'),
        listen('/events?after=0&cluster=b&topics=task,job'),
      ]);
      const ids = await Promise.all([check('a'), check('b')]);
      await Promise.all(ids.map(ended));
      const newest = Math.max(...(await stored()));
      await all.untilHeard((heard) => Number(heard.at(-1)?.id) >= newest);
      const data = all.heard.filter(({ event }) => event !== 'ready');
      await ofB.untilHeard((heard) => heard.length > data.filter((each) => each.data.clusterId === clusterB).length);
      expect(ofB.heard.slice(1)).toEqual(data.filter((each) => each.data.clusterId === clusterB));
      await tasks.untilHeard((heard) => heard.at(-1)?.event === 'job' && heard.at(-1)?.data.state === 'SUCCESSFUL');
      expect(tasks.heard.slice(1)).toEqual(ofB.heard.filter(({ event }) => event === 'task' || event === 'job'));
      expect(new Set(data.map(({ event }) => event))).toEqual(
        new Set(
          ['cluster', 'component', 'host', 'job', 'service', 'stack', 'task'].filter((topic) =>
            data.some(({ event }) => event === topic),
          ),
        ),
      );
    });

    test('a filtered stream that heard nothing yet resumes where it stood', async () => {
      const stream = await listen('/events?topics=stack');
      await stream.untilHeard((heard) => heard.length === 1);
      const at = stream.lastId;
      await ended(await check('a'));
      await stream.cut();
      const again = await listen('/events?topics=stack,job', at);
      await again.untilHeard((heard) => heard.some(({ data }) => data.state === 'SUCCESSFUL'));
    });

    test('who has gone is forgotten', async () => {
      const streams = await Promise.all(Array.from({ length: 20 }, () => listen('/events')));
      await Promise.all(streams.map((stream) => stream.cut()));
      await ended(await check('a'));
      expect((await world.get('/server')).status).toBe(200);
    });
  });

  describe('logs', () => {
    const LINES = Array.from({ length: 300 }, (_, index) => `Zeile ${index}: grün 🙂 €\n`).join('');

    /** Runs a task whose agent sends this output while the task lasts. @returns the id of the task. */
    async function taskWith(output: Buffer, { last = true } = {}): Promise<{ taskId: string; finish: () => void }> {
      const agent = world.agent('b1');
      agent.script = () => 'hold';
      await world.post('/clusters/b/commands', { command: 'check', target: { service: 'demo', component: 'head' } });
      await until(() => agent.held.size === 1);
      const [attemptId = ''] = agent.held.keys();
      const taskId = attemptId.split('/')[0] ?? '';
      const client = new Agents(world.server.agentEndpoint, channelCredentials(agent.credentials), channelOptions);
      const stream = client.Logs();
      const acked = Promise.withResolvers<void>();
      stream.on(
        'data',
        ({ durableOffset }: { durableOffset: number }) => durableOffset >= output.length && acked.resolve(),
      );
      stream.on('error', acked.reject);
      for (let at = 0; at < output.length; at += 1_000) {
        const data = output.subarray(at, at + 1_000);
        stream.write({
          chunks: [
            { attempt: { taskId, number: 1 }, offset: at, data, last: last && at + data.length === output.length },
          ],
        });
      }
      await acked.promise;
      stream.end();
      client.close();
      const finish = () => {
        agent.finish(attemptId, { logSize: output.length });
        agent.script = obedient;
      };
      return { taskId, finish };
    }
    const text = (stream: Listening) =>
      stream.heard.map(({ event, data }) => (event === 'output' ? data.text : '')).join('');

    test('output is followed to its end, read by ranges, and resumed at any byte', async () => {
      const bytes = Buffer.from(LINES);
      const { taskId, finish } = await taskWith(bytes);
      const path = `/tasks/${taskId}/log`;
      const whole = await listen(path);
      await whole.untilEnd();
      finish();
      expect([text(whole), whole.heard.at(-1)]).toEqual([
        LINES,
        { id: String(bytes.length), event: 'end', data: { size: bytes.length } },
      ]);

      const plain = await world.get(path);
      expect([plain.status, plain.text, plain.headers.get('x-log-size'), plain.headers.get('x-log-complete')]).toEqual([
        200,
        LINES,
        String(bytes.length),
        'true',
      ]);
      expect(plain.headers.get('content-type')).toBe('text/plain; charset=utf-8');
      for (const [from, to] of [
        [0, 10],
        [7, 8],
        [100, 100],
        [5, 3],
        [bytes.length, bytes.length + 9],
        [bytes.length + 5, undefined],
      ] as const) {
        const range = await world.get(`${path}?from=${from}${to === undefined ? '' : `&to=${to}`}`);
        expect([range.status, range.text]).toEqual([
          200,
          bytes.subarray(from, Math.max(from, to ?? bytes.length)).toString(),
        ]);
      }
      const smile = bytes.indexOf('🙂');
      for (const at of [0, 9, smile, smile + 1, smile + 3, smile + 4, bytes.length - 1, bytes.length]) {
        const stream = await listen(path, String(at));
        await stream.untilEnd();
        expect(LINES.endsWith(text(stream))).toBe(true);
        expect(bytes.length - Buffer.byteLength(text(stream))).toBe(at > smile && at < smile + 4 ? smile : at);
        expect(stream.heard.at(-1)?.event).toBe('end');
      }
      for (const query of ['from=x', 'from=-1', 'from=1.5', 'attempt=x', 'more=1'])
        expect((await world.get(`${path}?${query}`)).status).toBe(400);
      for (const attempt of [0, 2]) expect((await world.get(`${path}?attempt=${attempt}`)).status).toBe(404);
    });

    test('the log of an attempt that ended without its last piece ends with the attempt', async () => {
      const { taskId, finish } = await taskWith(Buffer.from('half a l'), { last: false });
      const stream = await listen(`/tasks/${taskId}/log`);
      await stream.untilHeard((heard) => heard.length === 1);
      expect(stream.ended).toBe(false);
      finish();
      await stream.untilEnd();
      expect([text(stream), stream.heard.at(-1)?.event]).toEqual(['half a l', 'end']);
    });

    test('the log of a task that never ran ends when it is canceled', async () => {
      const agent = world.agent('b1');
      agent.script = () => 'hold';
      const first = await check('b');
      await until(() => agent.held.size > 0);
      const second = await check('b');
      const { id } = (await world.get(`/jobs/${second}/tasks`)).body.items[0];
      const stream = await listen(`/tasks/${id}/log`);
      await world.post(`/jobs/${second}/cancel`);
      await stream.untilEnd();
      expect(stream.heard).toEqual([{ id: '0', event: 'end', data: { size: 0 } }]);
      await world.post(`/jobs/${first}/cancel`);
      expect(await ended(first)).toBe('CANCELED');
      agent.script = obedient;
    });
  });
});
