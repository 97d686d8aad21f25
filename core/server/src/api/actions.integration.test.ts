import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPostgres, testPostgresKinds, type TestPostgres } from '../postgres/testing.ts';
import { obedient, ServerWorld } from './testing/world.ts';

const definition = `
import { action, defineComponent, defineConfig, defineService, defineStack, each, osPackages, p, self } from '@stackyard/sdk';
const conf = defineConfig('exclude.properties', {
  hosts: p.text(each({ name: 'worker' }, self.host, { only: 'leaving' })).effect('reload').help('Who leaves'),
});
const lifecycle = { start: () => undefined, stop: () => undefined };
const head = defineComponent('head', { title: 'Head', category: 'server', cardinality: '0-1', config: [conf],
  lifecycle: { ...lifecycle, reload: () => undefined },
  actions: {
    greet: action({ title: 'Greet', help: 'Says hello', run: () => null,
      input: { name: p.text().help('Who'), times: p.int(2).min(1).max(9).help('How often') } }),
    wipe: action({ title: 'Wipe', help: 'Forgets all', danger: 'All is lost', run: () => null }),
  } });
const worker = defineComponent('worker', { title: 'Worker', category: 'server', cardinality: '1+', lifecycle,
  decommission: { by: head, drain: () => undefined, undo: () => undefined } });
export default defineStack({ services: [
  defineService('demo', { title: 'Demo', version: '1', user: 'demo', components: [head, worker] }),
  defineService('cache', { title: 'Cache', version: '1', user: 'demo', requires: [osPackages({ suse: ['redis'] })],
    components: [defineComponent('node', { title: 'Cache', category: 'server', cardinality: '1+', lifecycle })] }),
] });
`;

describe.each(testPostgresKinds())('actions and decommissioning on %s PostgreSQL', (kind) => {
  let postgres: TestPostgres;
  let world: ServerWorld;
  beforeAll(async () => {
    postgres = await startTestPostgres(kind);
    world = await ServerWorld.start(await postgres.createDatabase(), { stacks: [{ name: 'demo', definition }] });
    await world.join('h1', 'h2', 'h3');
    await world.cluster('c', ['h1', 'h2', 'h3'], { demo: true });
  });
  afterAll(async () => {
    await world?.close();
    await postgres?.stop();
  });

  const target = { service: 'demo', component: 'head' };
  const attemptsOf = async (job: string) => {
    const { items } = (await world.get(`/jobs/${job}/tasks`)).body;
    return Promise.all(
      items.map(async ({ id }: { id: string }) => (await world.get(`/tasks/${id}/attempts`)).body.items[0]),
    );
  };
  const leaving = async (host: string) =>
    (await world.get(`/clusters/c/components?component=worker&host=${host}`)).body.items[0]?.leaving as string | null;

  test('actions are listed with what they ask for', async () => {
    const { status, body } = await world.get('/clusters/c/services/demo/actions');
    expect(status).toBe(200);
    expect(body.items.map(({ name }: { name: string }) => name)).toEqual(['greet', 'wipe']);
    expect(body.items[0]).toMatchObject({ component: 'head', on: 'one', danger: null });
    expect(body.items[0].input).toMatchObject([
      { name: 'name', type: 'text', required: true, default: null },
      { name: 'times', type: 'int', required: false, default: 2, min: 1, max: 9 },
    ]);
    expect((await world.get('/clusters/c/services/none/actions')).status).toBe(404);
  });

  test('the input travels with its defaults, and the result is kept with the attempt', async () => {
    const agent = world.agent('h1');
    let asked: unknown;
    agent.script = ({ phase, action }) => {
      asked = action;
      return phase === 'action' ? { outputs: { result: '{"said":["a"],"n":1}' } } : {};
    };
    const job = await world.run('c', { command: 'action', target, action: 'greet', input: { name: 'you' } });
    agent.script = obedient;
    expect(job).toMatchObject({ state: 'SUCCESSFUL', title: 'Run greet of head on 1 host' });
    expect(asked).toMatchObject({
      name: 'greet',
      input: { entries: { name: { text: 'you' }, times: { number: 2 } } },
    });
    expect(await attemptsOf(job.id)).toMatchObject([{ result: { said: ['a'], n: 1 }, resultNote: null }]);
  });

  test('a result that is no JSON, from an agent that nobody trusts, is shown as none', async () => {
    const agent = world.agent('h1');
    agent.script = () => ({ outputs: { result: '{' } });
    const job = await world.run('c', { command: 'action', target, action: 'greet', input: { name: 'you' } });
    agent.script = obedient;
    expect(await attemptsOf(job.id)).toMatchObject([{ result: null }]);
  });

  test('wrong input is refused with its place, and a body with more than there is', async () => {
    const send = (more: object) => world.post('/clusters/c/commands', { command: 'action', target, ...more });
    const wrong = await send({ action: 'greet', input: { times: 10, colour: 'red' } });
    expect(wrong.status).toBe(422);
    const pointers = wrong.body.errors.map(({ pointer }: { pointer: string }) => pointer);
    expect(pointers.toSorted()).toEqual(['/input/colour', '/input/name', '/input/times']);
    expect((await send({ action: 'great', input: {} })).body.detail).toContain('did you mean "greet"?');
    expect((await send({ action: 'greet', input: { name: 'a' }, secretly: true })).status).toBe(400);
  });

  test('what may be lost is shown by the plan, and has to be agreed to', async () => {
    const wipe = { command: 'action', target, action: 'wipe' };
    const refused = await world.post('/clusters/c/commands', wipe);
    expect([refused.status, refused.body.errors[0].code, refused.body.errors[0].pointer]).toEqual([
      422,
      'AGREEMENT_MISSING',
      '/agree',
    ]);
    expect(refused.body.detail).toContain('All is lost.');
    expect((await world.run('c', { ...wipe, agree: true })).state).toBe('SUCCESSFUL');
    const plan = await world.post('/clusters/c/plans', wipe);
    expect([plan.status, plan.body.plan.danger]).toEqual([201, 'All is lost']);
    expect((await world.post(`/plans/${plan.body.id}/execute`, {})).status).toBe(422);
    expect((await world.post(`/plans/${plan.body.id}/execute`, { agree: true })).status).toBe(202);
  });

  test('a host component leaves durably, is told to who empties it, and comes back', async () => {
    const before = (await world.get('/clusters/c')).body.revision as number;
    const head = world.agent('h1');
    const drains: unknown[] = [];
    head.script = (envelope) => {
      if (envelope.drain) drains.push([envelope.phase, envelope.drain.component, envelope.drain.instances]);
      return envelope.phase === 'decommission' && drains.length === 1
        ? { reason: 'EXIT_NONZERO', message: 'Blocks are left.', exitCode: 1 }
        : obedient(envelope);
    };
    const decommission = { command: 'decommission', target: { component: 'worker', hosts: ['h3'] } };
    const plan = await world.post('/clusters/c/plans', decommission);
    expect(plan.body.plan.leaving).toMatchObject([{ host: 'h3', component: 'worker', ordinal: 3 }]);
    expect(plan.body.plan.files[0].diff).toContain('+hosts=h3');
    expect((await world.run('c', decommission)).state).toBe('FAILED');
    expect([await leaving('h3'), (await world.get('/clusters/c')).body.revision]).toEqual(['DRAINING', before + 1]);
    await world.restart();
    expect(await leaving('h3')).toBe('DRAINING');
    expect(await world.run('c', decommission)).toMatchObject({ state: 'SUCCESSFUL', tasks: 1 });
    expect([await leaving('h3'), await leaving('h2')]).toEqual(['DRAINED', null]);
    expect(drains[1]).toMatchObject(['decommission', 'worker', [{ host: 'h3', ordinal: 3, leaving: true }]]);

    const remove = { command: 'remove', target: { component: 'worker', hosts: ['h2'] }, data: 'keep' };
    const codes = (await world.post('/clusters/c/plans', remove)).body.plan.warnings.map(
      (it: { code: string }) => it.code,
    );
    expect(codes).toContain('NOT_DECOMMISSIONED');

    const back = await world.run('c', { command: 'recommission', target: { component: 'worker', hosts: ['h3'] } });
    expect([back.state, await leaving('h3')]).toEqual(['SUCCESSFUL', null]);
    expect(drains.at(-1)).toMatchObject(['recommission', 'worker', [{ host: 'h3', leaving: false }]]);
    head.script = obedient;
    const all = await world.post('/clusters/c/commands', { command: 'decommission', target: { component: 'worker' } });
    expect([all.status, all.body.errors[0].code]).toEqual([422, 'LAST_ONE']);
  });

  test('a host whose system the stack has no packages for is refused', async () => {
    const add = { command: 'add', services: [{ service: 'cache', components: { node: ['h1'] } }] };
    const { status, body } = await world.post('/clusters/c/plans', add);
    expect([status, body.errors[0].code]).toEqual([422, 'OS_FAMILY']);
    expect(body.detail).toContain('which its stack names for SUSE (redis)');
  });
});
