import type { ActionManifest } from '@stackyard/sdk/manifest';
import { expect, test } from 'vitest';
import { actionInput } from '../action.ts';
import type { CommandRequest } from '../command.ts';
import { PlanRefusedError } from '../errors.ts';
import { client, cluster, component, property, Sample, service } from '../testing/sample.ts';

const action = (name: string, fields: Partial<ActionManifest> = {}): ActionManifest => ({
  name,
  title: name,
  help: name,
  input: [],
  on: 'one',
  timeout: 30,
  idempotent: false,
  ...fields,
});

const topic = action('createTopic', {
  input: [
    property('topic', 'text', { default: undefined, help: 'Its name' }),
    property('partitions', 'int', { default: { fact: 'cpus' }, min: 1, max: 100 }),
    property('compact', 'bool', { default: { literal: false } }),
    property('ratio', 'float', {
      default: undefined,
      when: { property: { config: '.', property: 'compact' } },
      help: 'How dirty it may be',
    }),
    property('dir', 'dir', { default: { literal: '/srv/topics' }, optional: true }),
  ],
});

const actions = [topic, action('ping', { on: 'each', idempotent: true }), action('wipe', { danger: 'All is lost' })];

function running(): Sample {
  const components = [component('broker', { actions }), client('shell', { actions: [action('hello')] })];
  const sample = new Sample(cluster({ hosts: ['a', 'b', 'c'], manifests: [service('s', { components })] }));
  sample.run({
    command: 'add',
    services: [{ service: 's', components: { broker: ['a', 'b', 'c'], shell: ['c'] } }],
  });
  return sample;
}

const asked = (name: string, fields: Partial<Extract<CommandRequest, { command: 'action' }>> = {}): CommandRequest => ({
  command: 'action',
  target: { component: 'broker' },
  action: name,
  ...fields,
});

function refusal(plan: () => unknown): string[] {
  try {
    plan();
  } catch (error) {
    if (error instanceof PlanRefusedError)
      return error.problems.map(({ code, message, pointer }) => `${code} ${pointer}: ${message}`);
    throw error;
  }
  return [];
}

test('an action is one task with its own terms, on the lowest ordinal that runs or on all that run', () => {
  const sample = running();
  const told = (request: CommandRequest) =>
    sample.plan(request).tasks.map((it) => `${it.hostId} ${it.phase} ${it.timeoutMs} ${it.idempotent} ${it.runsCode}`);
  expect(told(asked('createTopic', { input: { topic: 't' } }))).toEqual(['h-a action 30000 false true']);
  expect(told(asked('ping'))).toHaveLength(3);
  expect(told(asked('ping', { target: { component: 'broker', hosts: ['b'] } }))).toEqual([
    'h-b action 30000 true true',
  ]);
  expect(told(asked('hello', { target: { component: 'shell' } }))).toEqual(['h-c action 30000 false true']);
  sample.run({ command: 'stop', target: { component: 'broker', hosts: ['a'] } });
  expect(told(asked('createTopic', { input: { topic: 't' } }))).toEqual(['h-b action 30000 false true']);
  expect(sample.plan(asked('ping')).skipped.map(({ reason }) => reason)).toEqual(['it does not run']);
  sample.run({ command: 'stop', target: { component: 'broker' } });
  expect(refusal(() => sample.plan(asked('ping')))).toEqual([
    'NOT_RUNNING /target: No broker runs that could be asked to ping. Start one first.',
  ]);
});

test('who does not answer is not asked, and that is said', () => {
  const sample = running();
  const silent = (name: string) => {
    const hosts = sample.state.hosts.map((it) => (it.name === name ? { ...it, reachable: false } : it));
    sample.state = { ...sample.state, hosts };
  };
  silent('a');
  expect(sample.plan(asked('createTopic', { input: { topic: 't' } })).hosts).toEqual(['h-b']);
  const only = asked('ping', { target: { component: 'broker', hosts: ['a'] } });
  expect(refusal(() => sample.plan(only))[0]).toContain('check the agents on them.');
});

test('of those that are to run, one that was seen running is asked first', () => {
  const sample = running();
  sample.change((it) => (it.hostId === 'h-a' ? { ...it, observed: 'UNHEALTHY' } : it));
  expect(sample.plan(asked('createTopic', { input: { topic: 't' } })).hosts).toEqual(['h-b']);
});

test('what may be lost stands in the plan', () => {
  expect(running().plan(asked('wipe')).danger).toBe('All is lost');
  expect(running().plan(asked('ping')).danger).toBeUndefined();
});

test('input is checked as properties of configs are, with its place in the request', () => {
  const sample = running();
  const input = (values: Record<string, string | number | boolean>) =>
    refusal(() => sample.plan(asked('createTopic', { input: values })));
  expect(input({})).toEqual(['VALUE_MISSING /input/topic: topic of createTopic needs a value: Its name.']);
  expect(input({ topic: 't', partitions: 1000 })[0]).toContain('VALUE_RANGE /input/partitions:');
  expect(input({ topic: 't', partitions: '3' })[0]).toContain('VALUE_TYPE /input/partitions:');
  expect(input({ topic: 't', colour: 'red' })).toEqual([
    'PROPERTY_UNKNOWN /input/colour: createTopic has no property "colour".',
  ]);
  expect(input({ topic: 't', compact: true })).toEqual([
    'VALUE_MISSING /input/ratio: ratio of createTopic needs a value: How dirty it may be.',
  ]);
  expect(input({ topic: 't', ratio: 0.5 })[0]).toContain('VALUE_UNUSED /input/ratio:');
  expect(input({ topic: 't', compact: true, ratio: 0.5 })).toEqual([]);
});

test('names that mean nothing are refused with what there is', () => {
  const sample = running();
  expect(refusal(() => sample.plan(asked('creatTopic')))[0]).toContain('did you mean "createTopic"?');
  expect(refusal(() => sample.plan(asked('ping', { target: { service: 's' } })))[0]).toContain('COMPONENT_MISSING');
  expect(refusal(() => sample.plan(asked('ping', { target: { component: 'brokr' } })))[0]).toContain(
    'COMPONENT_UNKNOWN',
  );
});

test('the function gets all of its input, as it is on its host', () => {
  const sample = running();
  sample.state = {
    ...sample.state,
    hosts: sample.state.hosts.map((it) => ({ ...it, root: `/roots/${it.name}`, local: true })),
  };
  const request = {
    command: 'action',
    target: { component: 'broker' },
    action: 'createTopic',
    input: { topic: 't' },
  } as const;
  const owner = sample.state.services[0]!;
  expect(actionInput(sample.state, { service: owner, hostComponentId: owner.hostComponents[0]!.id, request })).toEqual({
    topic: 't',
    partitions: 4,
    compact: false,
    ratio: null,
    dir: '/roots/a/srv/topics',
  });
});
