import { randomUUID, X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join as path } from 'node:path';
import { peerOf, peerUri } from '@stackyard/domain';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Credentials } from '../connection/credentials.ts';
import { agentPaths } from '../paths.ts';
import { join, renewExpired } from './enrol.ts';
import { type Identity, readIdentity, saveIdentity } from './identity.ts';
import { Renewal } from './renewal.ts';
import { TestAuthority, TestEnrolment } from './testAuthority.ts';

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
let enrolment: TestEnrolment;
beforeEach(async () => {
  enrolment = new TestEnrolment(await TestAuthority.make());
  enrolment.server = 'server.example:7071';
});
afterEach(() => enrolment.stop());

const joining = (): Parameters<typeof join>[0] => ({
  enrolment: enrolment.address,
  caSha256: enrolment.authority.sha256,
  token: 'good-token',
  hostName: 'zk1',
});

test('a host that joins has an identity whose key never left it', async () => {
  await enrolment.start();
  const identity = await join(joining());
  const { installId, pem } = enrolment.authority;
  expect(identity).toMatchObject({ installId, authorities: pem, server: 'server.example:7071' });
  const certificate = new X509Certificate(identity.certificate);
  expect(peerOf(certificate.subjectAltName)).toMatchObject({ role: 'agent', agentId: identity.agentId });
  expect(JSON.stringify(enrolment.requests)).not.toContain('PRIVATE KEY');
});

test('a server whose authority is not the pinned one is sent nothing', async () => {
  await enrolment.start();
  const other = await TestAuthority.make();
  await expect(join({ ...joining(), caSha256: other.sha256 })).rejects.toMatchObject({ code: 'AUTHORITY_MISMATCH' });
  expect(enrolment.requests).toEqual([]);
});

test('who only shows the pinned authority, without a certificate of it, is sent nothing', async () => {
  await enrolment.start();
  const impostor = new TestEnrolment(await TestAuthority.make());
  // It hands out the right authority, as anybody can who has seen it.
  Object.assign(impostor.authority, { pem: enrolment.authority.pem });
  await impostor.start();
  try {
    await expect(join({ ...joining(), enrolment: impostor.address })).rejects.toMatchObject({
      code: 'SERVER_UNREACHABLE',
    });
    expect(impostor.requests).toEqual([]);
  } finally {
    impostor.stop();
  }
});

test.each([
  ['an agent', () => ({ uri: peerUri.agent(enrolment.authority.installId, randomUUID()) })],
  ['another installation', () => ({ uri: peerUri.server(randomUUID()) })],
  ['a client', () => ({ usage: CLIENT_AUTH })],
])('a server with a certificate of %s, by the same authority, is sent nothing', async (_, as) => {
  await enrolment.start(as());
  await expect(join(joining())).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
  expect(enrolment.requests).toEqual([]);
});

test('a refusal is told, and leaves nothing behind', async () => {
  await enrolment.start();
  await expect(join({ ...joining(), token: 'used' })).rejects.toThrow(
    /did not let this host join: The token is not known/,
  );
});

test('an identity is one file for its owner only; one of an older version counts as none', async () => {
  await enrolment.start();
  const root = await mkdtemp(path(tmpdir(), 'stackyard-identity-'));
  try {
    const file = agentPaths(root).identity;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, '{ "agentId": "x", "secret": "y", "installId": "z", "server": "s:1" }');
    expect(await readIdentity(root)).toBeUndefined();
    const identity = await join(joining());
    await saveIdentity(root, identity);
    expect(await readIdentity(root)).toEqual(identity);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).toContain('PRIVATE KEY');
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

async function shortLived(lifeMs: number): Promise<{ identity: Identity; credentials: Credentials }> {
  enrolment.lifeMs = lifeMs;
  await enrolment.start();
  const identity = await join(joining());
  return { identity, credentials: new Credentials(identity) };
}

const never = (): Promise<never> => Promise.reject(new Error('This is not to be asked.'));

test('a certificate is renewed again and again, each time for a new key', async () => {
  const { identity, credentials } = await shortLived(2_000);
  const sign = async (request: Buffer) => ({
    certificate: await enrolment.authority.signAgent(request, identity.agentId, { lifeMs: 2_000 }),
    authorities: enrolment.authority.pem,
  });
  const keys = new Set<string>();
  const renewal = new Renewal({
    credentials,
    online: sign,
    // A machine that stands still for a moment may let one expire.
    expired: renewExpired,
    renewed: () => keys.add(credentials.identity.key),
  });
  renewal.start();
  await vi.waitFor(() => expect(keys.size).toBeGreaterThanOrEqual(3), { timeout: 45_000 });
  renewal.stop();
  expect(credentials.identity).toMatchObject({ agentId: identity.agentId, authorities: enrolment.authority.pem });
});

test('a renewal that fails is tried again while the certificate is good, then by the one that has expired', async () => {
  const { identity, credentials } = await shortLived(4_000);
  const failures: string[] = [];
  const renewal = new Renewal({
    credentials,
    online: () => Promise.reject(new Error('the server is away')),
    expired: renewExpired,
    failed: (error) => failures.push((error as Error).message),
  });
  enrolment.lifeMs = 600_000;
  renewal.start();
  await vi.waitFor(() => expect(credentials.identity.key).not.toBe(identity.key), { timeout: 45_000 });
  renewal.stop();
  expect(failures.length).toBeGreaterThan(1);
  expect(enrolment.requests.map(({ path: asked }) => asked)).toEqual(['/v1/enrol', '/v1/renew']);
  expect(credentials.identity.agentId).toBe(identity.agentId);
});

test('an agent trusts the authorities of its installation as the server says, and renews by the one that signs', async () => {
  const { identity, credentials } = await shortLived(600_000);
  const next = await TestAuthority.make(enrolment.authority.installId);
  const asked: Buffer[] = [];
  const renewal = new Renewal({
    credentials,
    online: async (request) => {
      asked.push(request);
      return { certificate: await next.signAgent(request, identity.agentId), authorities: next.pem };
    },
    expired: never,
  });
  const both = `${enrolment.authority.pem}${next.pem}`;
  const trust = { authorities: both, issuingSha256: enrolment.authority.sha256, renewWithinMs: 1 };
  expect(await renewal.trust(trust)).toEqual([enrolment.authority.sha256, next.sha256].toSorted());
  expect([credentials.identity.authorities, asked.length]).toEqual([both, 0]);
  await renewal.trust({ ...trust, issuingSha256: next.sha256 });
  await vi.waitFor(() => expect(credentials.identity.authorities).toBe(next.pem));
  renewal.stop();
});

test('what is no authority of the installation is not trusted, whoever asks for it', async () => {
  const { identity, credentials } = await shortLived(600_000);
  const renewal = new Renewal({ credentials, online: never, expired: never });
  const foreign = await TestAuthority.make();
  const cases = ['', 'x', foreign.pem, `${enrolment.authority.pem}${foreign.pem}`, identity.certificate];
  for (const authorities of cases) {
    const asked = { authorities, issuingSha256: foreign.sha256, renewWithinMs: 1 };
    expect(await renewal.trust(asked)).toBeUndefined();
  }
  expect(credentials.identity).toEqual(identity);
});
