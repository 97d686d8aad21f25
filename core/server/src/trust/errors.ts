import { defineError } from '@stackyard/kernel';
import type { RefusalCode } from './decide.ts';

export class StackUntrustedError extends defineError(
  'STACK_UNTRUSTED',
  'The stack is not trusted',
  ({ what, reason, remedy }: { what: string; digest: string; rule: RefusalCode; reason: string; remedy: string }) =>
    `${what} is not let in: ${reason}. ${remedy}`,
) {}

export class StackDamagedError extends defineError(
  'ARTIFACT_REFUSED',
  'The artifact cannot be used',
  ({ reason }: { reason: string }) => reason,
) {}

export class KeyKnownError extends defineError(
  'KEY_KNOWN',
  'The key is known',
  ({ keyId, publisher, state }: { keyId: string; publisher: string; state: string }) =>
    `The key ${keyId} is known already, as a key of ${publisher} that is ${state}.`,
) {}

export class PublisherScopesError extends defineError(
  'PUBLISHER_SCOPES',
  'It is not clear what the publisher is trusted for',
  ({ publisher, known }: { publisher: string; known: readonly string[] | undefined }) =>
    known
      ? `${publisher} is trusted for ${known.join(', ') || 'nothing'} already. Add the key without a scope, or change what it is trusted for by "stackyard publisher scope ${publisher}".`
      : `${publisher} is not known yet: say for which packages it is to be trusted, such as --scope '@${publisher}/*'.`,
) {}

export class KeyStateError extends defineError(
  'KEY_STATE',
  'The key is not in that state',
  ({ keyId, state, wanted }: { keyId: string; state: string; wanted: string }) =>
    `The key ${keyId} is ${state} and cannot become ${wanted}: a key goes from active to retired to revoked, and never back. Let the publisher make a new key.`,
) {}

export class KeyLineError extends defineError(
  'KEY_LINE',
  'The public key cannot be read',
  ({ reason }: { reason: string }) => reason,
) {}
