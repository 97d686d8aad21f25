import { expect, test } from 'vitest';
import type { Action } from '../api/types.ts';
import { UsageError } from '../errors.ts';
import { inputOf } from './action.ts';

const property = (name: string, type: Action['input'][number]['type']): Action['input'][number] => ({
  name,
  type,
  help: name,
  required: false,
  default: null,
  unit: null,
  min: null,
  max: null,
  pattern: null,
  values: null,
});
const action: Action = {
  component: 'broker',
  name: 'createTopic',
  title: 'Create a topic',
  help: 'Makes a topic',
  on: 'one',
  danger: null,
  timeoutSeconds: 60,
  idempotent: false,
  input: [
    property('topic', 'text'),
    property('partitions', 'int'),
    property('compact', 'bool'),
    property('hosts', 'list'),
  ],
};

test('input becomes what its type asks for, with everything behind the first equals sign', () => {
  expect(inputOf(action, ['topic=a=b', 'partitions=3', 'compact=true', 'hosts=a, b'])).toEqual({
    topic: 'a=b',
    partitions: 3,
    compact: true,
    hosts: ['a', 'b'],
  });
});

test.each([
  [action, 'colour=red', 'createTopic asks for no colour. It takes topic, partitions, compact, hosts.'],
  [action, 'topic', '--input topic gives nothing. Use key=value.'],
  [action, 'partitions=many', 'createTopic/partitions takes a number, not "many".'],
  [{ ...action, input: [] }, 'a=1', 'createTopic asks for no a. It takes no input.'],
])('input that cannot be meant is refused', (asked, text, sentence) => {
  expect(() => inputOf(asked, [text])).toThrow(new UsageError(sentence));
});
