import { randomBytes } from 'node:crypto';
import type { ClusterState, CommandRequest } from '@stackyard/planner';
import { isSealed } from '@stackyard/sdk/render';
import { expect, test } from 'vitest';
import { CommandRefusedError } from '../commands/errors.ts';
import { sealRequest } from './sealing.ts';
import { Seals } from './seals.ts';
import { readable } from './views.ts';

const seals = new Seals(randomBytes(32));
const place = { clusterId: 'c1', service: 'db', config: 'db.conf', property: 'password' };
const kept = seals.seal(place, 'hunter2!');
const manifest = {
  name: 'db',
  configs: [
    {
      name: 'db.conf',
      properties: [
        { name: 'password', type: 'secret' },
        { name: 'user', type: 'text' },
      ],
    },
  ],
};
const state = {
  id: 'c1',
  hosts: [{ id: 'id-1', name: 'h1' }],
  services: [{ name: 'db', manifest, values: { 'db.conf': { password: kept } }, overrides: {} }],
  stacks: [{ name: '@stack/new', version: '1.0.0', digest: 'd', services: [{ ...manifest, name: 'new' }] }],
} as unknown as ClusterState;

const configure = (password: unknown, overrides?: object): CommandRequest =>
  ({
    command: 'configure',
    target: { service: 'db' },
    config: { 'db.conf': { password, user: 'hunter2!' } },
    overrides,
  }) as CommandRequest;
const valueOf = (request: CommandRequest) => 'config' in request && request.config?.['db.conf']?.['password'];
function refusalOf(password: unknown): string {
  try {
    sealRequest(configure(password), state, seals);
  } catch (error) {
    if (error instanceof CommandRefusedError) return error.message;
    throw error;
  }
  return 'taken';
}

test('the secret of a request is sealed for its place, and what is no secret is left', () => {
  const sealed = sealRequest(configure('another one'), state, seals);
  expect(seals.open(place, valueOf(sealed) as string)).toBe('another one');
  expect(sealed).toMatchObject({ config: { 'db.conf': { user: 'hunter2!' } } });
  expect(JSON.stringify(sealed)).not.toContain('another one');
});

test('a service to be added, and values for single hosts, are sealed too', () => {
  const given = { 'db.conf': { password: 'fresh one' } };
  const services = [{ service: 'new', config: given, overrides: { h1: given } }];
  const text = JSON.stringify(sealRequest({ command: 'add', services }, state, seals));
  expect(text).not.toContain('fresh one');
  expect(text.match(/\$\{secret:db\.conf\/password:/g)).toHaveLength(2);
});

test('the same secret, and one that is sent back as it was read, stay what they are', () => {
  for (const value of ['hunter2!', readable(kept), { secret: true, set: true }, kept]) {
    expect(valueOf(sealRequest(configure(value), state, seals))).toBe(kept);
  }
  expect(isSealed(kept)).toBe(true);
});

test.each([
  ['a secret of an earlier version', { secret: true, set: true, fingerprint: 'AAAAAAAAAAAA' }, /is another secret now/],
  ['a seal that is not the one there', seals.seal(place, 'another one'), /give its text, not how a server seals it/],
  ['a secret that is too short', 'abc', /is shorter than 4 characters/],
  ['a secret with a NUL', 'abc\0def', /contains a character that no file can hold/],
])('%s is refused', (_, value, sentence) => {
  expect(refusalOf(value)).toMatch(sentence);
});
