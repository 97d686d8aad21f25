import { expect, test } from 'vitest';
import { peerOf, peerUri } from './peers.ts';

const install = '0b7c5a52-3a55-4a0c-9d3c-0f4f6e0c2b11';
const agent = '6c0f7a8e-5a94-4b4e-8d53-3d3f3a1e9a70';

test('the URI of a certificate names one peer', () => {
  expect(peerOf(`URI:${peerUri.agent(install, agent)}`)).toEqual({ role: 'agent', installId: install, agentId: agent });
  expect(peerOf(`URI:${peerUri.server(install)}, DNS:localhost, IP Address:127.0.0.1`)).toEqual({
    role: 'server',
    installId: install,
  });
  expect(peerOf(`URI:${peerUri.authority(install)}`)).toEqual({ role: 'authority', installId: install });
});

test.each([
  ['no names', undefined],
  ['no URI', 'DNS:localhost'],
  ['two URIs', `URI:${peerUri.server(install)}, URI:${peerUri.agent(install, agent)}`],
  ['a name that only looks like one', `DNS:${peerUri.server(install)}`],
  ['a quoted URI', `URI:"${peerUri.server(install)}"`],
  ['more behind it', `URI:${peerUri.agent(install, agent)}/x`],
  ['another role', `URI:stackyard://${install}/admin`],
  ['an id that is none', `URI:stackyard://${install}/agent/..`],
  ['capitals', `URI:${peerUri.agent(install, agent).toUpperCase()}`],
])('with %s it names nobody', (_, names) => {
  expect(peerOf(names)).toBeUndefined();
});
