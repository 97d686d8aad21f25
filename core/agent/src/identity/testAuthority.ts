import { createHash, KeyObject, randomBytes, randomUUID, webcrypto } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { ServerCredentials } from '@grpc/grpc-js';
import { peerUri } from '@stackyard/domain';
// The library below wants the metadata that the kernel brings.
import '@stackyard/kernel';
import * as x509 from '@peculiar/x509';

const KEY = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const WEEK_MS = 7 * 86_400_000;

/** An authority of an installation for tests of the agent's half: it signs whatever it is asked to sign. */
export class TestAuthority {
  readonly installId: string;
  readonly pem: string;
  /** Of the certificate (DER), hex. */
  readonly sha256: string;
  readonly #certificate: x509.X509Certificate;
  readonly #key: webcrypto.CryptoKey;

  private constructor(installId: string, certificate: x509.X509Certificate, key: webcrypto.CryptoKey) {
    this.installId = installId;
    this.pem = `${certificate.toString('pem')}\n`;
    this.sha256 = createHash('sha256').update(new Uint8Array(certificate.rawData)).digest('hex');
    this.#certificate = certificate;
    this.#key = key;
  }

  static async make(installId: string = randomUUID()): Promise<TestAuthority> {
    const keys = await webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: serial(),
      name: [{ CN: [`Test authority ${serial().slice(0, 8)}`] }],
      ...validFor(WEEK_MS),
      signingAlgorithm: KEY,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
        new x509.SubjectAlternativeNameExtension([{ type: 'url', value: peerUri.authority(installId) }]),
      ],
    });
    return new TestAuthority(installId, certificate, keys.privateKey);
  }

  /** A certificate (PEM) for the key of a request, in the name of an agent. */
  async signAgent(csr: Uint8Array, agentId: string, { lifeMs = WEEK_MS } = {}): Promise<string> {
    const { publicKey } = new x509.Pkcs10CertificateRequest(new Uint8Array(csr));
    return this.#sign(publicKey, peerUri.agent(this.installId, agentId), x509.ExtendedKeyUsage.clientAuth, lifeMs);
  }

  /** A key and a certificate (PEM) for a server; in another's name, or for another use, when told. */
  async serverPair({ uri = peerUri.server(this.installId), usage = '1.3.6.1.5.5.7.3.1' } = {}): Promise<{
    readonly key: string;
    readonly cert: string;
  }> {
    const keys = await webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify']);
    const cert = await this.#sign(keys.publicKey, uri, usage, WEEK_MS);
    return { cert, key: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }) as string };
  }

  /** For a gRPC server that wants a certificate of this authority from whoever calls. */
  async grpcCredentials(as?: Parameters<TestAuthority['serverPair']>[0]): Promise<ServerCredentials> {
    const { key, cert } = await this.serverPair(as);
    const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) };
    return ServerCredentials.createSsl(Buffer.from(this.pem), [pair], true);
  }

  async #sign(publicKey: x509.PublicKeyType, uri: string, usage: string, lifeMs: number): Promise<string> {
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      subject: [{ CN: ['test'] }],
      issuer: this.#certificate.subjectName,
      ...validFor(lifeMs),
      publicKey,
      signingKey: this.#key,
      signingAlgorithm: KEY,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.ExtendedKeyUsageExtension([usage], true),
        new x509.SubjectAlternativeNameExtension([{ type: 'url', value: uri }]),
      ],
    });
    return `${certificate.toString('pem')}\n`;
  }
}

/** An enrolment listener for tests of the agent's half. */
export class TestEnrolment {
  readonly authority: TestAuthority;
  readonly requests: { readonly path: string; readonly body: Readonly<Record<string, string>> }[] = [];
  /** The one token that is good. */
  token = 'good-token';
  lifeMs = WEEK_MS;
  /** `host:port` for agents. */
  server = '';
  #listener: Server | undefined;

  constructor(authority: TestAuthority) {
    this.authority = authority;
  }

  get address(): string {
    const address = this.#listener?.address() as AddressInfo | undefined;
    return `127.0.0.1:${address?.port ?? 0}`;
  }

  async start(as?: Parameters<TestAuthority['serverPair']>[0]): Promise<void> {
    const listener = createServer(
      { ...(await this.authority.serverPair(as)), minVersion: 'TLSv1.3' },
      (asked, reply) => {
        const answer = async (): Promise<void> => {
          const path = asked.url ?? '';
          if (path === '/ca.pem') return void reply.end(this.authority.pem);
          const body = JSON.parse(await text(asked)) as Record<string, string>;
          this.requests.push({ path, body });
          if (path === '/v1/enrol' && body['token'] !== this.token) {
            reply.statusCode = 403;
            return void reply.end(JSON.stringify({ message: 'The token is not known.' }));
          }
          reply.end(JSON.stringify(await this.#enrolled(body)));
        };
        answer().catch((error: unknown) => reply.destroy(error as Error));
      },
    );
    await new Promise<void>((resolve, reject) => listener.once('error', reject).listen(0, '127.0.0.1', resolve));
    this.#listener = listener;
  }

  stop(): void {
    this.#listener?.close();
    this.#listener?.closeAllConnections();
  }

  async #enrolled(body: Readonly<Record<string, string>>): Promise<object> {
    const old = body['certificate'];
    const agentId = old === undefined ? randomUUID() : /agent\/([0-9a-f-]+)/.exec(namesOf(old))?.[1];
    const certificate = await this.authority.signAgent(Buffer.from(body['csr'] ?? '', 'base64'), agentId ?? '', {
      lifeMs: this.lifeMs,
    });
    const { installId, pem: authorities } = this.authority;
    return { agentId, installId, certificate, authorities, server: this.server };
  }
}

function namesOf(certificate: string): string {
  const names = new x509.X509Certificate(certificate).getExtension(x509.SubjectAlternativeNameExtension);
  return names?.names.items.map(({ value }) => value).join() ?? '';
}

function validFor(lifeMs: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - 1000), notAfter: new Date(now + lifeMs) };
}

function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = 0x40 | (bytes[0]! & 0x3f);
  return bytes.toString('hex');
}
