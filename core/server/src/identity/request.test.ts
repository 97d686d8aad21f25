import { X509Certificate } from 'node:crypto';
import { peerOf, peerUri } from '@stackyard/domain';
import '@stackyard/kernel';
import * as x509 from '@peculiar/x509';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { agentCertificate, authorityCertificate, KEY, newKeys, pemOf, type Signer } from './certificates.ts';
import { keyOfRequest, REQUEST_BYTES } from './request.ts';

const installId = '0b7c5a52-3a55-4a0c-9d3c-0f4f6e0c2b11';
const agentId = '6c0f7a8e-5a94-4b4e-8d53-3d3f3a1e9a70';

type Extras = Omit<x509.Pkcs10CertificateRequestCreateParams, 'keys' | 'signingAlgorithm'>;

async function requestFor(extras: Extras = {}): Promise<Buffer> {
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    keys: await newKeys(),
    signingAlgorithm: KEY,
    ...extras,
  });
  return Buffer.from(request.rawData);
}

async function authority(): Promise<Signer> {
  const keys = await newKeys();
  const certificate = await authorityCertificate({ installId, now: new Date() }, keys);
  return { certificate, key: keys.privateKey };
}

describe('what a request asks for', () => {
  const wishes: Readonly<Record<string, Extras>> = {
    'the name of the server': { name: [{ CN: ['Stackyard server'] }] },
    'control characters for a name': { name: [{ CN: ['a\u0000b\nServer: root\u001b[2J'] }] },
    'another agent’s address': {
      extensions: [
        new x509.SubjectAlternativeNameExtension([
          { type: 'url', value: peerUri.agent(installId, installId) },
          { type: 'url', value: peerUri.server(installId) },
          { type: 'dns', value: 'server.example' },
          { type: 'ip', value: '127.0.0.1' },
        ]),
      ],
    },
    'to be an authority': {
      extensions: [
        new x509.BasicConstraintsExtension(true, 9, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      ],
    },
    'to serve': { extensions: [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth], true)] },
    'an extension that nobody knows': { extensions: [new x509.Extension('1.2.3.4.5', true, new Uint8Array([5, 0]))] },
  };

  test.each(Object.keys(wishes))('is not heeded: %s', async (wish) => {
    const key = await keyOfRequest(await requestFor(wishes[wish]));
    const given = { installId, agentId, now: new Date(), lifeMs: 60_000 };
    const made = await agentCertificate(await authority(), key, given);
    const certificate = new X509Certificate(pemOf(made));
    expect(certificate.subject).toBe(`CN=Stackyard agent ${agentId}`);
    expect(certificate.subjectAltName).toBe(`URI:${peerUri.agent(installId, agentId)}`);
    expect(peerOf(certificate.subjectAltName)?.role).toBe('agent');
    expect([certificate.ca, certificate.keyUsage]).toEqual([false, [x509.ExtendedKeyUsage.clientAuth]]);
    // Basic constraints, key usage, extended key usage, names, and who signed: nothing else.
    expect(made.extensions.map(({ type }) => type).toSorted()).toEqual(
      ['2.5.29.15', '2.5.29.17', '2.5.29.19', '2.5.29.35', '2.5.29.37'].toSorted(),
    );
  });
});

describe('a request is refused', () => {
  async function refused(request: Uint8Array, why: RegExp): Promise<void> {
    await expect(keyOfRequest(request)).rejects.toThrow(why);
  }

  test.each([
    ['P-384', { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-256' }],
    [
      'RSA',
      { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
    ],
    ['Ed25519', { name: 'Ed25519' }],
  ])('with a key of another kind: %s', async (_, algorithm) => {
    const keys = (await crypto.subtle.generateKey(algorithm as never, true, ['sign', 'verify'])) as never;
    const request = await x509.Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: algorithm as never });
    await refused(new Uint8Array(request.rawData), /is for a key of another kind/);
  });

  test('with another digest than SHA-256', async () => {
    const request = await requestFor({});
    const signingAlgorithm = { ...KEY, hash: 'SHA-1' };
    const weak = await x509.Pkcs10CertificateRequestGenerator.create({ keys: await newKeys(), signingAlgorithm });
    await refused(new Uint8Array(weak.rawData), /another way than ECDSA with SHA-256/);
    await expect(keyOfRequest(request)).resolves.toBeDefined();
  });

  test('with the key of somebody else', async () => {
    const [mine, theirs] = [await requestFor(), await requestFor()];
    const key = new x509.Pkcs10CertificateRequest(new Uint8Array(theirs)).publicKey.rawData;
    const own = new x509.Pkcs10CertificateRequest(new Uint8Array(mine)).publicKey.rawData;
    const at = mine.indexOf(Buffer.from(own));
    const swapped = Buffer.concat([mine.subarray(0, at), Buffer.from(key), mine.subarray(at + own.byteLength)]);
    await refused(swapped, /is not signed by its own key/);
  });

  test('when it is too long, empty, cut off or has more behind it', async () => {
    const request = await requestFor();
    await refused(Buffer.alloc(REQUEST_BYTES + 1), /is too long/);
    await refused(await requestFor({ name: [{ CN: ['x'.repeat(REQUEST_BYTES)] }] }), /is too long/);
    await refused(Buffer.alloc(0), /cannot be read/);
    await refused(request.subarray(0, -1), /cannot be read|not signed/);
  });

  test('when a part that is read late cannot be read', async () => {
    const changed = await requestFor();
    // Within the name of the key's algorithm.
    changed[23]! ^= 1;
    await refused(changed, /cannot be read|another kind|no public key/);
  });

  test('with any byte changed, or it is for the same key still', async () => {
    const request = await requestFor();
    const key = Buffer.from((await keyOfRequest(request)).rawData);
    const changes = fc.tuple(fc.nat(request.length - 1), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(changes, async ([at, by]) => {
        const changed = Buffer.from(request);
        changed[at]! ^= by;
        const found = await keyOfRequest(changed).then(
          ({ rawData }) => Buffer.from(rawData),
          (error: { code?: string }) => error.code,
        );
        expect(found === 'CERTIFICATE_REQUEST_REFUSED' || key.equals(found as Buffer)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test('whatever the bytes are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), async (bytes) => {
        await expect(keyOfRequest(bytes)).rejects.toMatchObject({ code: 'CERTIFICATE_REQUEST_REFUSED' });
      }),
    );
  });
});
