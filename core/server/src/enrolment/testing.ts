import { createHash, X509Certificate } from 'node:crypto';
import { type Agent, request, type RequestOptions } from 'node:https';
import { type AgentCredentials, newRequest } from '../identity/testing.ts';

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: NodeJS.Dict<string | string[]>;
}

/** Sends one request to an enrolment listener, trusting the given authorities (PEM), or nobody. */
export function ask(
  enrolment: string,
  options: RequestOptions & { readonly ca?: string; readonly agent?: Agent },
  body?: unknown,
): Promise<Answer> {
  const trust = options.ca === undefined ? { rejectUnauthorized: false } : {};
  const payload = typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request(
      `https://${enrolment}${options.path ?? ''}`,
      {
        ...trust,
        ...options,
        minVersion: 'TLSv1.3',
        headers: options.headers ?? (payload === undefined ? {} : { 'content-type': 'application/json' }),
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('error', reject);
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: text, headers: answer.headers }));
      },
    );
    sent.on('error', reject);
    sent.end(payload);
  });
}

/** The pinned authority (PEM) of an enrolment listener. @throws Error when it has another one */
export async function pinnedAuthority(enrolment: string, sha256: string): Promise<string> {
  const { body } = await ask(enrolment, { path: '/ca.pem' });
  const found = body
    .match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
    ?.find((pem) => createHash('sha256').update(new X509Certificate(pem).raw).digest('hex') === sha256);
  if (!found) throw new Error(`None of the authorities of ${enrolment} has the SHA-256 ${sha256}.`);
  return found;
}

/** Lets a host join as an agent does. @throws Error with the status and the sentence of a refusal */
export async function joinHost({
  enrolment,
  authoritySha256,
  token,
  hostName,
}: {
  readonly enrolment: string;
  readonly authoritySha256: string;
  readonly token: string;
  readonly hostName: string;
}): Promise<AgentCredentials> {
  const ca = await pinnedAuthority(enrolment, authoritySha256);
  const { key, request: csr } = await newRequest();
  const { status, body } = await ask(
    enrolment,
    { method: 'POST', path: '/v1/enrol', ca },
    { token, hostName, csr: csr.toString('base64') },
  );
  if (status !== 200) throw new Error(`${status} ${body}`);
  return { ...(JSON.parse(body) as Omit<AgentCredentials, 'key'>), key };
}
