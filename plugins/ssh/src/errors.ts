import { defineError } from '@stackyard/kernel';

export class TargetInvalidError extends defineError(
  'TARGET_INVALID',
  'No machine is called so',
  ({ target, reason }: { target: string; reason: string }) =>
    `${target === '' ? 'The list of machines' : `"${target}"`} cannot be used: ${reason}. Write them like node[01-20].example.org, or NAME=ADDRESS.`,
) {}

export class KeyUnusableError extends defineError(
  'KEY_UNUSABLE',
  'The private key cannot be used',
  ({ reason }: { reason: string }) =>
    `The private key cannot be used: ${reason}. Give a key in OpenSSH or PEM form, and its passphrase if it has one.`,
) {}

export class NoSshAgentError extends defineError(
  'NO_SSH_AGENT',
  'The server has no SSH agent',
  (_: Record<string, never>) =>
    'The server was started without SSH_AUTH_SOCK, so there is no agent to ask for keys. Start it with one, or give a key or a password.',
) {}

export class BootstrapNotFoundError extends defineError(
  'BOOTSTRAP_NOT_FOUND',
  'No such bootstrap',
  ({ id }: { id: string }) => `There is no bootstrap ${id}. The newest 100 are kept.`,
) {}

export class BootstrapBusyError extends defineError(
  'BOOTSTRAP_BUSY',
  'Already being brought in',
  ({ hosts }: { hosts: readonly string[] }) =>
    `${hosts.slice(0, 5).join(', ')}${hosts.length > 5 ? ` and ${hosts.length - 5} more` : ''} ${hosts.length === 1 ? 'is' : 'are'} being brought in already. Wait for the end of that.`,
) {}

export class NothingToRetryError extends defineError(
  'NOTHING_TO_RETRY',
  'Nothing has failed',
  ({ id }: { id: string }) => `No host of bootstrap ${id} has failed, or it has not ended yet.`,
) {}

export class HostKeyNotFoundError extends defineError(
  'HOST_KEY_NOT_FOUND',
  'No such host key',
  ({ address }: { address: string }) => `No host key of ${address} is known.`,
) {}

/** What the routes answer with these. */
export const statuses = [
  { error: TargetInvalidError, status: 422 },
  { error: KeyUnusableError, status: 422 },
  { error: NoSshAgentError, status: 422 },
  { error: BootstrapNotFoundError, status: 404 },
  { error: HostKeyNotFoundError, status: 404 },
  { error: BootstrapBusyError, status: 409 },
  { error: NothingToRetryError, status: 409 },
] as const;
