export {
  ArtifactDigest,
  PackageName,
  PackageVersion,
  parseSignatures,
  signArtifact,
  SignatureDocument,
  SIGNATURES_SUFFIX,
  signaturesText,
  type Signed,
} from './document.ts';
export { SigningError, type SigningFault } from './errors.ts';
export {
  generateSigningKey,
  KeyId,
  keyIdOf,
  parsePrivateKey,
  parsePublicKeyLine,
  privateKeyText,
  publicKeyLine,
  PublicKey,
  PublisherName,
  type SigningKey,
} from './keys.ts';
export {
  isGrave,
  isInScope,
  KEY_STATES,
  type KeyState,
  type Publisher,
  type PublisherKey,
  ScopePattern,
  SIGNATURE_PROBLEMS,
  type SignatureProblem,
  type Verified,
  verifySignatures,
} from './verify.ts';
