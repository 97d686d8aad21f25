/** Bodies of the enrolment listener: closed, without coercion, nothing longer than an honest one can be. */
const bytes = (maxLength: number) => ({ type: 'string', maxLength, pattern: '^[A-Za-z0-9+/]+={0,2}$' });
const closed = <P extends object>(properties: P) => ({
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties),
  properties,
});

export const joinSchema = closed({
  token: { type: 'string', minLength: 20, maxLength: 200 },
  hostName: { type: 'string', minLength: 1, maxLength: 253 },
  csr: bytes(4_000),
});
export interface JoinBody {
  readonly token: string;
  readonly hostName: string;
  /** Base64 of a certificate signing request (PKCS #10, DER). */
  readonly csr: string;
}

export const renewSchema = closed({
  certificate: { type: 'string', minLength: 1, maxLength: 8_000 },
  csr: bytes(4_000),
  signature: bytes(200),
});
export interface RenewBody {
  /** The certificate the agent has, PEM. */
  readonly certificate: string;
  readonly csr: string;
  /** Base64 of an ECDSA signature with SHA-256 (DER) over the bytes of the request, by the key of the certificate. */
  readonly signature: string;
}

export function base64(text: string): Buffer {
  return Buffer.from(text, 'base64');
}
