import { expect, test } from 'vitest';
import { type Definition, userOf } from './context.ts';

function definition(self: { readonly root: string; readonly local: boolean }, user?: string): Definition {
  return { inputs: { self }, service: { user: 'yarn' }, component: user ? { user } : {} } as unknown as Definition;
}

test.runIf(process.getuid?.() === 0)(
  'a component has its own user where it names one, else that of its service',
  () => {
    const machine = { root: '/', local: false };
    expect(userOf(definition(machine))).toBe('yarn');
    expect(userOf(definition(machine, 'mapred'))).toBe('mapred');
    expect(userOf(definition(machine, 'mapred'), 'chosen')).toBe('chosen');
  },
);

test('where hosts share a machine nothing runs as another user', () => {
  expect(userOf(definition({ root: '/srv/h1', local: true }, 'mapred'))).toBeUndefined();
});
