import { z } from 'zod';
import { isSignedBy, type Signed, type SignatureDocument } from './document.ts';

/** Packages by name, or by what their names begin with: `@acme/*`, `@acme/db-*`, `*`. Never half a scope. */
export const ScopePattern = z
  .string()
  .max(214)
  .regex(
    /^(\*|@[a-z0-9~-][a-z0-9._~-]*\/([a-z0-9._~-]+|[a-z0-9._~-]*\*)|[a-z0-9~-][a-z0-9._~-]*\*?)$/,
    'use the name of a package, or one that ends in *, such as @acme/*',
  );

/**
 * `active`: signs. `retired`: signs no more; what it has signed stays valid. `revoked`: somebody else may have it, so
 * nothing it has signed is accepted.
 */
export const KEY_STATES = ['active', 'retired', 'revoked'] as const;
export type KeyState = (typeof KEY_STATES)[number];

export interface PublisherKey {
  readonly keyId: string;
  /** 32 bytes, base64. */
  readonly publicKey: string;
  readonly state: KeyState;
}

/** Whom somebody trusts, and for which packages. */
export interface Publisher {
  readonly name: string;
  /** Names of packages; `*` at the end stands for any rest, such as `@acme/*`. */
  readonly scopes: readonly string[];
  readonly keys: readonly PublisherKey[];
}

export const SIGNATURE_PROBLEMS = [
  'UNSIGNED',
  'OTHER_ARTIFACT',
  'WRONG_SIGNATURE',
  'REVOKED_KEY',
  'UNKNOWN_PUBLISHER',
  'OUT_OF_SCOPE',
] as const;
export type SignatureProblem = (typeof SIGNATURE_PROBLEMS)[number];

export type Verified =
  | {
      readonly verdict: 'trusted';
      /** What the signature says the artifact is; whoever reads it checks that its manifest says the same. */
      readonly signed: Signed;
      readonly publisher: string;
      readonly keyId: string;
      readonly keyState: Exclude<KeyState, 'revoked'>;
    }
  | { readonly verdict: 'untrusted'; readonly problem: SignatureProblem; readonly reason: string };

/** Which of several verdicts decides: the first of these. */
const RANKS: Readonly<Record<SignatureProblem | 'trusted', number>> = {
  OTHER_ARTIFACT: 0,
  WRONG_SIGNATURE: 1,
  trusted: 2,
  REVOKED_KEY: 3,
  OUT_OF_SCOPE: 4,
  UNKNOWN_PUBLISHER: 5,
  UNSIGNED: 6,
};

/** Whether no policy overlooks it: somebody has changed something, or a key has got out. */
export function isGrave(problem: SignatureProblem): boolean {
  return ['OTHER_ARTIFACT', 'WRONG_SIGNATURE', 'REVOKED_KEY'].includes(problem);
}

/**
 * Judges the signatures beside an artifact without reading a byte of it. One trusted signature is enough, whatever keys
 * are unknown or revoked beside it; but one that is wrong spoils them all.
 *
 * @param digest of the artifact's bytes, as found
 */
export function verifySignatures(
  digest: string,
  documents: readonly SignatureDocument[],
  trust: readonly Publisher[],
): Verified {
  const verdicts = documents.map((document) => verifyOne(digest, document, trust));
  const rank = (verified: Verified): number => RANKS[verified.verdict === 'trusted' ? 'trusted' : verified.problem];
  const [first] = verdicts.toSorted((a, b) => rank(a) - rank(b));
  return first ?? untrusted('UNSIGNED', 'nobody has signed it');
}

function verifyOne(digest: string, document: SignatureDocument, trust: readonly Publisher[]): Verified {
  const { publisher: name, keyId } = document;
  if (document.digest !== digest)
    return untrusted('OTHER_ARTIFACT', `the signature of ${name} is for ${document.digest}, and this is ${digest}`);
  const publisher = trust.find((each) => each.name === name);
  const key = publisher?.keys.find((each) => each.keyId === keyId);
  if (!publisher || !key) return untrusted('UNKNOWN_PUBLISHER', `the key ${keyId} of ${name} is not trusted here`);
  if (!isSignedBy(document, key.publicKey))
    return untrusted('WRONG_SIGNATURE', `the signature of ${name} by ${keyId} is wrong`);
  if (key.state === 'revoked') return untrusted('REVOKED_KEY', `the key ${keyId} of ${name} is revoked`);
  if (!isInScope(document.package, publisher.scopes)) {
    const scopes = publisher.scopes.join(', ') || 'nothing';
    return untrusted('OUT_OF_SCOPE', `${name} is trusted for ${scopes} and not for ${document.package}`);
  }
  const { package: packageName, version } = document;
  const signed = { package: packageName, version, digest };
  return { verdict: 'trusted', signed, publisher: name, keyId, keyState: key.state };
}

/** Whether a package is what a publisher is trusted for. */
export function isInScope(packageName: string, scopes: readonly string[]): boolean {
  return scopes.some((scope) =>
    scope.endsWith('*') ? packageName.startsWith(scope.slice(0, -1)) : packageName === scope,
  );
}

function untrusted(problem: SignatureProblem, reason: string): Verified {
  return { verdict: 'untrusted', problem, reason };
}
