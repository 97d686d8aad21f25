import { peerUri } from '@stackyard/domain';
import { expect, test } from 'vitest';
import { callerOf } from './caller.ts';

const installId = '0b7c5a52-3a55-4a0c-9d3c-0f4f6e0c2b11';
const agentId = '6c0f7a8e-5a94-4b4e-8d53-3d3f3a1e9a70';
const now = new Date('2026-06-01T12:00:00Z');
const good = {
  subjectaltname: `URI:${peerUri.agent(installId, agentId)}`,
  ext_key_usage: ['1.3.6.1.5.5.7.3.2'],
  serialNumber: '4BAD',
  valid_to: 'Jun  1 12:00:01 2026 GMT',
};

test('a certificate of an agent names its host and its serial', () => {
  expect(callerOf(good, { installId, now })).toEqual({ hostId: agentId, serial: '4bad' });
});

test.each([
  ['no certificate', undefined],
  ['an end that has come', { ...good, valid_to: 'Jun  1 12:00:00 2026 GMT' }],
  ['an end that is no time', { ...good, valid_to: '' }],
  ['another usage', { ...good, ext_key_usage: ['1.3.6.1.5.5.7.3.1'] }],
  ['one more usage', { ...good, ext_key_usage: ['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1'] }],
  ['no usage', { ...good, ext_key_usage: [] }],
  ['the name of the server', { ...good, subjectaltname: `URI:${peerUri.server(installId)}` }],
  ['another installation', { ...good, subjectaltname: `URI:${peerUri.agent(agentId, agentId)}` }],
  ['a second name', { ...good, subjectaltname: `${good.subjectaltname}, ${good.subjectaltname}` }],
])('nobody calls with %s', (_, certificate) => {
  expect(callerOf(certificate, { installId, now })).toBeUndefined();
});
