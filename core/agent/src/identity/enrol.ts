import { createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { Agent, request, type RequestOptions } from 'node:https';
import { peerOf } from '@stackyard/domain';
import { AuthorityMismatchError, JoinRefusedError, ServerUnreachableError } from '../errors.ts';
import { areAuthoritiesOf, certificatesIn, installationOf, serverCheck, sha256Of } from './authorities.ts';
import type { Identity } from './identity.ts';
import { newRequest } from './request.ts';

export interface JoinOptions {
  /** `host:port` of the enrolment listener. */
  readonly enrolment: string;
  /** SHA-256 (DER, hex) of the authority that is to be trusted, from whoever gave the token. */
  readonly caSha256: string;
  /** Single use; from `stackyard host add`. */
  readonly token: string;
  readonly hostName: string;
  /** `host:port` for agents, when it is not the one the server says. */
  readonly server?: string | undefined;
}

interface Enrolled {
  readonly agentId: string;
  readonly installId: string;
  readonly certificate: string;
  readonly authorities: string;
  readonly server: string;
}

const LIMIT_MS = 15_000;
const ANSWER_BYTES = 64 * 1024;

/**
 * Turns a join token into an identity. Before the pinned authority has vouched for the server, nothing is sent to it.
 *
 * @throws AuthorityMismatchError, JoinRefusedError, ServerUnreachableError
 */
export async function join({ token, hostName, ...where }: JoinOptions): Promise<Identity> {
  const joiner = await Joiner.at(where);
  try {
    return await joiner.join({ token, hostName });
  } finally {
    joiner.close();
  }
}

/** Joins one host after the other at the same server, which is looked at once. */
export class Joiner {
  readonly #where: Omit<JoinOptions, 'token' | 'hostName'>;
  readonly #installId: string;
  readonly #connections: Agent;

  private constructor(where: Omit<JoinOptions, 'token' | 'hostName'>, authority: X509Certificate) {
    this.#where = where;
    this.#installId = installationOf(authority) ?? '';
    const checkServerIdentity = serverCheck(this.#installId);
    this.#connections = new Agent({ keepAlive: true, maxSockets: 8, ca: authority.toString(), checkServerIdentity });
  }

  /** @throws AuthorityMismatchError, ServerUnreachableError */
  static async at(where: Omit<JoinOptions, 'token' | 'hostName'>): Promise<Joiner> {
    return new Joiner(where, await pinned(where.enrolment, where.caSha256));
  }

  /** @throws JoinRefusedError, ServerUnreachableError */
  async join({ token, hostName }: Pick<JoinOptions, 'token' | 'hostName'>): Promise<Identity> {
    const { enrolment, server } = this.#where;
    const { key, request: csr } = await newRequest();
    const body = { token, hostName, csr: csr.toString('base64') };
    const enrolled = await post(enrolment, '/v1/enrol', { agent: this.#connections }, body);
    checkAnswer(enrolment, enrolled, { key, installId: this.#installId });
    return { ...enrolled, server: server ?? enrolled.server, enrolment, key };
  }

  close(): void {
    this.#connections.destroy();
  }
}

/**
 * A new certificate when the present one has expired, so that the agents' port does not take it any more.
 *
 * @throws JoinRefusedError, ServerUnreachableError
 */
export async function renewExpired(identity: Identity): Promise<Identity> {
  const { enrolment, installId, authorities, certificate } = identity;
  const { key, request: csr } = await newRequest();
  const signature = sign('sha256', csr, createPrivateKey(identity.key));
  const trust = { ca: authorities, checkServerIdentity: serverCheck(installId) };
  const body = { certificate, csr: csr.toString('base64'), signature: signature.toString('base64') };
  const enrolled = await post(enrolment, '/v1/renew', trust, body);
  checkAnswer(enrolment, enrolled, { key, installId });
  return { ...identity, key, certificate: enrolled.certificate, authorities: enrolled.authorities };
}

/** The authority that the operator meant, whoever it was that answered. */
async function pinned(enrolment: string, caSha256: string): Promise<X509Certificate> {
  const { body } = await ask(enrolment, { method: 'GET', path: '/ca.pem', rejectUnauthorized: false });
  const found = certificatesIn(body).find((each) => sha256Of(each) === caSha256);
  if (!found || installationOf(found) === undefined) throw new AuthorityMismatchError(enrolment, caSha256);
  return found;
}

/** The answer of a server that is trusted is still looked at, so that a mistake shows here and not at every connection. */
function checkAnswer(
  enrolment: string,
  { certificate, authorities, agentId, installId }: Enrolled,
  own: { readonly key: string; readonly installId: string },
): void {
  const peer = peerOf(new X509Certificate(certificate).subjectAltName);
  const isOurs = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(own.key));
  const isNamed = peer?.role === 'agent' && peer.agentId === agentId && peer.installId === own.installId;
  if (!isOurs || !isNamed || installId !== own.installId || !areAuthoritiesOf(authorities, own.installId))
    throw new JoinRefusedError(enrolment, 'it answered with a certificate that is not for this host');
}

async function post(enrolment: string, path: string, trust: RequestOptions, body: object): Promise<Enrolled> {
  const { status, body: text } = await ask(enrolment, { ...trust, method: 'POST', path }, JSON.stringify(body));
  const answer = parsed(text);
  if (status === 200 && answer) return answer as Enrolled;
  throw new JoinRefusedError(enrolment, answer?.message ?? `it answered with status ${status}`);
}

function parsed(text: string): (Partial<Enrolled> & { readonly message?: string }) | undefined {
  try {
    return JSON.parse(text) as Enrolled;
  } catch {
    return undefined;
  }
}

function ask(
  enrolment: string,
  options: RequestOptions,
  body = '',
): Promise<{ readonly status: number; readonly body: string }> {
  const { hostname, port } = new URL(`https://${enrolment}`);
  const headers = body === '' ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(new ServerUnreachableError(enrolment, { cause: error }));
    const sent = request(
      {
        agent: false,
        ...options,
        host: hostname.replace(/^\[|\]$/g, ''),
        port,
        headers,
        minVersion: 'TLSv1.3',
        // Who the server is stands in its certificate; a name is not needed, and an address is no name.
        servername: 'stackyard',
        signal: AbortSignal.timeout(LIMIT_MS),
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
          if (text.length > ANSWER_BYTES) answer.destroy(new Error('The answer is too long.'));
        });
        answer.on('error', failed);
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: text }));
      },
    );
    sent.on('error', failed);
    sent.end(body);
  });
}
