import { expect, test } from 'vitest';
import type { HostProgress } from '../api/types.ts';
import { colours } from '../output/terminal.ts';
import { endLine, probeText, progressText } from './words.ts';

const host: HostProgress = {
  name: 'zk1',
  address: '10.0.0.7',
  port: 22,
  state: 'COPYING',
  percent: 42,
  failure: null,
  message: null,
  at: '2026-01-01T00:00:00Z',
};
const plain = colours(false);

test('the progress of a host is a few words', () => {
  expect(progressText(host)).toBe('copying 42 %');
  expect(progressText({ ...host, state: 'STARTING', percent: null })).toBe('starting');
  expect(endLine({ ...host, state: 'JOINED', message: 'It has joined.' }, plain)).toBe('✓ zk1  It has joined.');
  expect(endLine({ ...host, state: 'FAILED', failure: 'CLOCK', message: 'Set the clock.' }, plain)).toBe(
    '✗ zk1  Set the clock.',
  );
});

test('host keys are shown to be compared, and what is wrong is said below', () => {
  const machine = { name: 'zk1', address: 'zk1', port: 22, message: null };
  const key = { type: 'ssh-ed25519', fingerprint: `SHA256:${'x'.repeat(43)}` };
  expect(
    probeText(
      [
        { ...machine, key, standing: 'new' },
        {
          ...machine,
          name: 'zk2',
          address: '10.0.0.8',
          port: 2222,
          key: null,
          standing: 'unreachable',
          message: 'No answer.',
        },
      ],
      plain,
    ),
  ).toMatchInlineSnapshot(`
    "HOST  ADDRESS             HOST KEY
    zk1   zk1                 ssh-ed25519 SHA256:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  new
    zk2   10.0.0.8 port 2222  -                                                               unreachable
    ✗ zk2: No answer.
    "
  `);
});
