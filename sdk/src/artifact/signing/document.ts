import { sign, verify } from 'node:crypto';
import semver from 'semver';
import { z } from 'zod';
import { SigningError } from './errors.ts';
import { KeyId, publicKeyObject, PublisherName, type SigningKey } from './keys.ts';

/** The name of an npm package. */
export const PackageName = z
  .string()
  .max(214)
  .regex(/^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/, 'use the name of an npm package');

export const PackageVersion = z
  .string()
  .max(100)
  .refine((text) => semver.valid(text) === text, 'use a version such as 1.2.3');

export const ArtifactDigest = z.string().regex(/^sha512-[0-9a-f]{128}$/, 'use sha512- and 128 hex digits');

/** One publisher's word for one artifact. */
export const SignatureDocument = z.strictObject({
  format: z.literal(1),
  package: PackageName,
  version: PackageVersion,
  digest: ArtifactDigest,
  publisher: PublisherName,
  keyId: KeyId,
  /** Of `signedText`, base64. */
  signature: z.base64().length(88),
});
export type SignatureDocument = Readonly<z.infer<typeof SignatureDocument>>;

/** What is said of an artifact. */
export type Signed = Pick<SignatureDocument, 'package' | 'version' | 'digest'>;

/** What lies beside an artifact: `<artifact>.sig.json`, the signatures of one or several publishers or keys. */
export const SIGNATURES_SUFFIX = '.sig.json';
const SignatureFile = z.array(SignatureDocument).min(1).max(16);
const MAX_FILE = 64 * 1024;

/** No two artifacts have the same text, and no text of anything else begins like it. */
function signedText({ package: name, version, digest }: Signed): Buffer {
  return Buffer.from(`stackyard stack artifact, signature format 1\n${name}\n${version}\n${digest}\n`);
}

export function signArtifact(signed: Signed, { publisher, keyId, privateKey }: SigningKey): SignatureDocument {
  const { package: name, version, digest } = signed;
  const signature = sign(null, signedText(signed), privateKey).toString('base64');
  return SignatureDocument.parse({ format: 1, package: name, version, digest, publisher, keyId, signature });
}

/** Whether this key has signed it. */
export function isSignedBy(document: SignatureDocument, publicKey: string): boolean {
  const bytes = Buffer.from(document.signature, 'base64');
  // One spelling only, so that no other bytes of a file say the same.
  if (bytes.toString('base64') !== document.signature) return false;
  return verify(null, signedText(document), publicKeyObject(publicKey), bytes);
}

/** The text of a file of signatures: a later one of the same key takes the place of an earlier one. */
export function signaturesText(documents: readonly SignatureDocument[]): string {
  const byKey = new Map(documents.map((document) => [document.keyId, document]));
  return `${JSON.stringify([...byKey.values()], undefined, 2)}\n`;
}

/** @throws SigningError SIGNATURE_FILE */
export function parseSignatures(text: string): SignatureDocument[] {
  if (text.length > MAX_FILE) throw new SigningError('SIGNATURE_FILE', `they have more than ${MAX_FILE} characters`);
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw new SigningError('SIGNATURE_FILE', (error as Error).message);
  }
  const parsed = SignatureFile.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new SigningError('SIGNATURE_FILE', `/${issue?.path.join('/')} ${issue?.message}`);
}
