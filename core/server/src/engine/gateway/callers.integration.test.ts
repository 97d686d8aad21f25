import { randomUUID, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { fileURLToPath } from 'node:url';
import {
  type ChannelCredentials,
  Client,
  credentials,
  loadPackageDefinition,
  type MethodDefinition,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { peerOf, peerUri } from '@stackyard/domain';
import '@stackyard/kernel';
import * as x509 from '@peculiar/x509';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestPostgres, type TestPostgres } from '../../postgres/testing.ts';
import { Authorities } from '../../identity/authorities.ts';
import { agentCertificate, KEY, newKeys, pemOf, privateKeyPem } from '../../identity/certificates.ts';
import { channelOptions, newRequest } from '../../identity/testing.ts';
import { Hosts } from '../../hosts/hosts.ts';
import type { ScriptedAgent } from '../testing/agent.ts';
import { EngineWorld, until } from '../testing/world.ts';

/** A client as anybody can write one: the published description of the protocol, and nothing of ours. */
const protocol = loadPackageDefinition(
  loadSync(fileURLToPath(new URL('../../../../../proto/agent.proto', import.meta.url)), {
    longs: Number,
    defaults: true,
  }),
) as unknown as { stackyard: { agent: { v1: { Agents: ServiceClientConstructor } } } };
const methods = Object.entries(protocol.stackyard.agent.v1.Agents.service);

const HOUR_MS = 3_600_000;

describe('who may call', () => {
  let postgres: TestPostgres;
  let world: EngineWorld;
  let agent: ScriptedAgent;
  const clients: Client[] = [];
  beforeAll(async () => {
    postgres = await startTestPostgres('embedded');
  });
  afterAll(() => postgres?.stop());
  beforeEach(async () => {
    world = await EngineWorld.open(await postgres.createDatabase());
    await world.serve();
    agent = await world.agent('a', { connect: false });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await world.clean();
  });

  /** Calls a method with a message in it, and answers the status that the server gives; OK when it goes on. */
  function call(
    { path, requestStream, responseStream, requestSerialize, responseDeserialize }: MethodDefinition<object, object>,
    channel: ChannelCredentials,
    message: object = {},
  ): Promise<status> {
    const client = new Client(world.address, channel, channelOptions);
    clients.push(client);
    const limit = { deadline: Date.now() + 10_000 };
    const { promise, resolve } = Promise.withResolvers<status>();
    const ended = (error: Partial<ServiceError> | null) => resolve(error?.code ?? status.OK);
    if (!requestStream && !responseStream) {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, message, limit, ended);
      return promise;
    }
    const writable = requestStream && client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, limit);
    const stream =
      writable || client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, message, limit);
    stream.on('error', ended);
    stream.on('data', () => ended(null));
    stream.on('end', () => ended(null));
    if (writable) writable.write(message);
    return promise;
  }

  function channel(options: SecureContextOptions): ChannelCredentials {
    return credentials.createFromSecureContext(createSecureContext(options), { checkServerIdentity: () => undefined });
  }

  const ca = () => world.identity.trustedPem;

  /** A certificate that an authority of this very installation has signed, as told. */
  async function signed(
    authorities: Authorities,
    { agentId = agent.id, lifeMs = HOUR_MS, now = new Date() } = {},
  ): Promise<{ key: string; cert: string }> {
    const keys = await newKeys();
    const { installId } = world.identity;
    const given = { installId, agentId, lifeMs, now };
    const certificate = await agentCertificate(authorities.issuing, new x509.PublicKey(await spki(keys)), given);
    return { key: privateKeyPem(keys.privateKey), cert: pemOf(certificate) };
  }

  /** One with names and a usage of the test's choosing, by the right authority. */
  async function forged(uri: string, usage: string): Promise<{ key: string; cert: string }> {
    const { issuing } = await own();
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: '4242',
      subject: [{ CN: [`Stackyard agent ${agent.id}`] }],
      issuer: issuing.certificate.subjectName,
      notAfter: new Date(Date.now() + HOUR_MS),
      publicKey: keys.publicKey,
      signingKey: issuing.key,
      signingAlgorithm: KEY,
      extensions: [
        new x509.ExtendedKeyUsageExtension([usage], true),
        new x509.SubjectAlternativeNameExtension([{ type: 'url', value: uri }]),
      ],
    });
    return { key: privateKeyPem(keys.privateKey), cert: pemOf(certificate) };
  }

  const own = () =>
    Authorities.open(join(world.dir, 'identity'), { installId: world.identity.installId, now: new Date() });
  const foreign = () =>
    Authorities.open(join(world.dir, 'foreign'), { installId: world.identity.installId, now: new Date() });
  const { clientAuth, serverAuth } = x509.ExtendedKeyUsage;
  const installation = () => world.identity.installId;

  const intruders: Readonly<Record<string, () => Promise<ChannelCredentials>>> = {
    'no encryption': async () => credentials.createInsecure(),
    'no certificate': async () => channel({ ca: ca() }),
    'TLS 1.2': async () => {
      const { key, certificate: cert } = agent.credentials;
      return channel({ ca: ca(), key, cert, maxVersion: 'TLSv1.2' });
    },
    'the same names by another authority': async () => channel({ ca: ca(), ...(await signed(await foreign())) }),
    'an expired certificate': async () =>
      channel({ ca: ca(), ...(await signed(await own(), { now: new Date(Date.now() - 2 * HOUR_MS) })) }),
    'a certificate that is not on record, from before its host was revoked': async () => {
      const shown = await signed(await own());
      await new Hosts({ transactions: world.engine!.events, engine: world.engine! }).revoke('a');
      return channel({ ca: ca(), ...shown });
    },
    'a certificate of a host that is not known': async () =>
      channel({ ca: ca(), ...(await signed(await own(), { agentId: randomUUID() })) }),
    'a revoked certificate': async () => {
      await world.db.sql.query('update agent_certificate set revoked_at = now() where host_id = $1', [agent.id]);
      const { key, certificate: cert } = agent.credentials;
      return channel({ ca: ca(), key, cert });
    },
    'a certificate of another host under the serial of this one': async () => {
      const { key, certificate: cert } = agent.credentials;
      await world.db.sql.query('update agent_certificate set host_id = $1', [randomUUID()]);
      return channel({ ca: ca(), key, cert });
    },
    "the server's own certificate": async () => {
      const { key, cert } = world.identity.leaf.material;
      return channel({ ca: ca(), key, cert });
    },
    'an agent by name that may only serve': async () =>
      channel({ ca: ca(), ...(await forged(peerUri.agent(installation(), agent.id), serverAuth)) }),
    'a client by usage that is the server by name': async () =>
      channel({ ca: ca(), ...(await forged(peerUri.server(installation()), clientAuth)) }),
    'an agent of another installation': async () =>
      channel({ ca: ca(), ...(await forged(peerUri.agent(randomUUID(), agent.id), clientAuth)) }),
  };

  test('the protocol has the methods that this test knows', () => {
    expect(methods.map(([name]) => name)).toEqual(['Control', 'Logs', 'Download', 'Secrets', 'Renew']);
  });

  test.each(Object.keys(intruders))('with %s every method is refused', async (kind) => {
    const shown = await intruders[kind]!();
    const codes = await Promise.all(methods.map(([, method]) => call(method as never, shown)));
    expect(codes.every((code) => code === status.UNAUTHENTICATED || code === status.UNAVAILABLE)).toBe(true);
    expect(world.engine?.stats().connectedAgents).toBe(0);
  });

  test('after a backup was restored, an agent comes back with what it was given since', async () => {
    await world.db.sql.query('delete from agent_certificate');
    await agent.connect(world.address);
    expect(world.engine?.reachable(agent.id)).toBe(true);
    const { rows } = await world.db.sql.query('select host_id, revoked_at from agent_certificate');
    expect(rows).toEqual([{ host_id: agent.id, revoked_at: null }]);
  });

  test('with the certificate of an agent every method is answered', async () => {
    const { key, certificate: cert } = agent.credentials;
    const shown = channel({ ca: ca(), key, cert });
    const { request } = await newRequest();
    const attempt = { taskId: randomUUID(), number: 1 };
    const messages: Readonly<Record<string, object>> = {
      Control: { messages: [{ hello: { protoMin: 1, protoMax: 1, journalId: randomUUID() } }] },
      Logs: { chunks: [{ attempt, offset: 0, data: Buffer.from('x') }] },
      Download: { digest: 'sha256-nothing' },
      Secrets: { attempt },
      Renew: { request },
    };
    const codes = await Promise.all(
      methods.map(async ([name, method]) => [name, await call(method as never, shown, messages[name])]),
    );
    expect(Object.fromEntries(codes)).toEqual({
      Control: status.OK,
      Logs: status.OK,
      Download: status.NOT_FOUND,
      Secrets: status.PERMISSION_DENIED,
      Renew: status.OK,
    });
  });

  test('an agent that names the attempts of another host changes nothing', async () => {
    const [victim, other] = [await world.agent('victim'), await world.agent('other')];
    victim.script = () => 'hold';
    const jobId = await world.job(await world.cluster('c'), [{ host: victim }]);
    await until(() => victim.held.size === 1);
    const { ref, hash } = [...victim.held.values()][0]!;
    other.say({ started: { attempt: ref, pid: 1 } });
    other.say({ result: { attempt: ref, envelopeHash: hash, durationMs: 1 } });
    other.say({ cancelReply: { attempt: ref, phase: 'ATTEMPT_PHASE_TOMBSTONE' } });
    other.say({ dispatchReply: { attempt: ref, answer: 'DISPATCH_ANSWER_REFUSED', reason: 'SPOOL_FULL' } });
    // What is said afterwards is answered afterwards.
    const before = other.received.length;
    other.say({ heartbeat: { n: 77, attemptsDigest: Buffer.alloc(32) } });
    await until(() => other.received.slice(before).some(({ heartbeatAck }) => heartbeatAck?.n === 77));
    expect(await world.attempts(jobId)).toMatchObject([{ state: 'RUNNING', reason: null, late: null }]);
    victim.finish(`${ref.taskId}/${ref.number}`);
    expect(await world.ended(jobId)).toBe('SUCCESSFUL');
  });

  test('a renewed certificate is for the host that asks, whatever its request says', async () => {
    const keys = await newKeys();
    const request = await x509.Pkcs10CertificateRequestGenerator.create({
      keys,
      signingAlgorithm: KEY,
      name: [{ CN: ['Stackyard server'] }],
      extensions: [
        new x509.BasicConstraintsExtension(true, 3, true),
        new x509.ExtendedKeyUsageExtension([serverAuth]),
        new x509.SubjectAlternativeNameExtension([{ type: 'url', value: peerUri.server(installation()) }]),
      ],
    });
    const { pem } = await world.identity.sign(agent.id, new Uint8Array(request.rawData));
    const certificate = new X509Certificate(pem);
    expect(peerOf(certificate.subjectAltName)).toEqual({ role: 'agent', installId: installation(), agentId: agent.id });
    expect([certificate.ca, certificate.keyUsage, certificate.subject]).toEqual([
      false,
      [clientAuth],
      `CN=Stackyard agent ${agent.id}`,
    ]);
  });
});

async function spki({ publicKey }: Awaited<ReturnType<typeof newKeys>>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.exportKey('spki', publicKey));
}
