const messages = {
  PUBLISHER_NAME: (publisher: string) =>
    `${JSON.stringify(publisher)} cannot be the name of a publisher: use small letters, digits and -, at most 64.`,
  KEY_FILE: () => 'This is no private key of a publisher. "stackyard publisher keygen NAME" makes one.',
  KEY_LINE: () =>
    'This is no public key of a publisher: paste the whole line that "stackyard publisher keygen" printed, such as "stackyard-ed25519 AAAA… acme".',
  SIGNATURE_FILE: (reason: string) => `The signatures cannot be read: ${reason}.`,
} satisfies Readonly<Record<string, (detail: string) => string>>;

export type SigningFault = keyof typeof messages;

/** A key or a file of signatures that cannot be used. */
export class SigningError extends Error {
  override readonly name = 'SigningError';
  readonly code: SigningFault;
  constructor(code: SigningFault, detail = '') {
    super(messages[code](detail));
    this.code = code;
  }
}
