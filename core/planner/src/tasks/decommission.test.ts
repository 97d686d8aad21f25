import { expect, test } from 'vitest';
import type { CommandRequest } from '../command.ts';
import { drainOf } from '../drain.ts';
import { PlanRefusedError } from '../errors.ts';
import { cluster, component, config, property, Sample, service } from '../testing/sample.ts';
import { describePlan } from './describe.ts';

const excluded = config(
  'exclude',
  [
    property('hosts', 'text', {
      default: { each: { component: 'data', of: { self: 'host' }, separator: ',', only: 'leaving' } },
      effect: 'reload',
    }),
  ],
  { effect: 'reload' },
);

function running({ by = true, cardinality = '1+', undo = true } = {}): Sample {
  const name = component('name', { configs: ['exclude'], lifecycle: ['reload'], cardinality: '1-2' });
  const data = component('data', {
    cardinality,
    lifecycle: ['decommission', ...(undo ? (['recommission'] as const) : [])],
    decommission: { timeout: 7200, ...(by ? { by: 'name' } : {}) },
  });
  const sample = new Sample(
    cluster({ hosts: ['a', 'b', 'c'], manifests: [service('s', { configs: [excluded], components: [name, data] })] }),
  );
  sample.run({ command: 'add', services: [{ service: 's', components: { name: ['a', 'b'], data: ['a', 'b', 'c'] } }] });
  return sample;
}

const on = (command: 'decommission' | 'recommission', ...hosts: string[]): CommandRequest => ({
  command,
  target: { component: 'data', ...(hosts.length > 0 ? { hosts } : {}) },
});

function refusal(plan: () => unknown): string | undefined {
  try {
    plan();
  } catch (error) {
    if (error instanceof PlanRefusedError) return `${error.problems[0]?.code}: ${error.message}`;
    throw error;
  }
  return undefined;
}

const way = (sample: Sample): (string | undefined)[] =>
  sample
    .hostComponents()
    .filter((it) => it.component === 'data')
    .map(({ leaving }) => leaving);

test('those that leave are named in the configs first, then one component empties all of them', () => {
  const sample = running();
  const plan = sample.plan(on('decommission', 'b', 'c'));
  expect(describePlan(plan, { hosts: sample.hostNames() })).toMatchInlineSnapshot(`
    "decommission: 5 tasks on 2 hosts
      1  configure     s/name  a, b
      2  reload        s/name  a, b
      3  decommission  s/name  a"
  `);
  const [drain] = plan.tasks.filter(({ phase }) => phase === 'decommission');
  expect(drain).toMatchObject({ timeoutMs: 7_200_000, idempotent: true, runsCode: true });
  sample.run(on('decommission', 'b', 'c'));
  expect(way(sample)).toEqual([undefined, 'DRAINED', 'DRAINED']);
  const ids = plan.drains[drain!.hostComponentId]!;
  const [owner] = sample.state.services;
  const told = drainOf(sample.state, { service: owner!, hostComponentId: drain!.hostComponentId, ids });
  expect(told).toMatchObject({ component: 'data', instances: [{ host: 'b', leaving: true }, { host: 'c' }] });
});

test('without another component each empties itself', () => {
  const sample = running({ by: false });
  const plan = sample.plan(on('decommission', 'b', 'c'));
  expect(plan.tasks.filter(({ phase }) => phase === 'decommission').map(({ hostId }) => hostId)).toEqual([
    'h-b',
    'h-c',
  ]);
  expect(Object.entries(plan.drains).every(([id, ids]) => ids.length === 1 && ids[0] === id)).toBe(true);
  sample.run({ command: 'stop', target: { component: 'data', hosts: ['c'] } });
  expect(refusal(() => sample.plan(on('decommission', 'c')))).toContain('NOT_RUNNING');
});

test('what is decommissioned is taken in again, by its function where there is one', () => {
  const sample = running();
  sample.run(on('decommission', 'c'));
  expect(sample.plan(on('decommission', 'c')).skipped.map(({ reason }) => reason)).toEqual([
    'it is decommissioned already',
  ]);
  expect(sample.plan(on('recommission')).tasks.map(({ phase }) => phase)).toContain('recommission');
  sample.run(on('recommission'));
  expect(way(sample)).toEqual([undefined, undefined, undefined]);
  const bare = running({ undo: false });
  bare.run(on('decommission', 'c'));
  const phases = bare.run(on('recommission', 'c')).tasks.map(({ phase }) => phase);
  expect(new Set(phases)).toEqual(new Set(['configure', 'reload']));
  expect(way(bare)).toEqual([undefined, undefined, undefined]);
});

test('a decommission that failed goes on where it is asked for again', () => {
  const sample = running();
  sample.run(on('decommission', 'c'));
  sample.change((it) => (it.leaving ? { ...it, leaving: 'DRAINING' } : it));
  const again = sample.plan(on('decommission', 'c'));
  expect(again.tasks.map(({ phase }) => phase)).toEqual(['decommission']);
});

test('nobody leaves when nobody could take over', () => {
  expect(refusal(() => running().plan(on('decommission')))).toContain('LAST_ONE: No data would stay to take over.');
  expect(refusal(() => running({ cardinality: '3+' }).plan(on('decommission', 'c')))).toContain(
    'CARDINALITY: data needs at least 3, and 2 would stay.',
  );
  const sample = running();
  sample.run({ command: 'stop', target: { component: 'name' } });
  expect(refusal(() => sample.plan(on('decommission', 'c')))).toContain('NOT_RUNNING: name has to do the work');
});

test('only a component that says how is decommissioned', () => {
  const sample = running();
  const refused = refusal(() => sample.plan({ command: 'decommission', target: { component: 'name' } }));
  expect(refused).toContain('NOT_DECOMMISSIONABLE');
  expect(refused).toContain('Of s that is declared for data.');
  expect(refusal(() => sample.plan({ command: 'decommission', target: { service: 's' } }))).toContain(
    'COMPONENT_MISSING',
  );
});

test('removing what was not emptied is told, as long as somebody could have taken it over', () => {
  const remove: CommandRequest = { command: 'remove', target: { component: 'data', hosts: ['c'] }, data: 'keep' };
  const warnings = (sample: Sample, request: CommandRequest) => {
    const codes: string[] = [];
    sample.seen = ({ change }) => codes.push(...change.warnings.map(({ code }) => code));
    sample.plan(request);
    return codes;
  };
  const sample = running();
  expect(warnings(sample, remove)).toContain('NOT_DECOMMISSIONED');
  expect(warnings(sample, { command: 'remove', target: { service: 's' }, data: 'keep' })).toEqual([]);
  sample.run(on('decommission', 'c'));
  expect(warnings(sample, remove)).toEqual([]);
});
