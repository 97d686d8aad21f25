import { defineError } from '@stackyard/kernel';

export class SecretKeyLostError extends defineError(
  'SECRET_KEY_LOST',
  'The key of the secrets is lost',
  ({ file }: { file: string }) =>
    `The database keeps secrets, and the key that opens them, ${file}, is not there. Restore the file from a backup. ` +
    `Without one the secrets are gone: start once with an empty file there, which makes a new key, and set every secret again.`,
) {}

export class SecretKeyDamagedError extends defineError(
  'SECRET_KEY_DAMAGED',
  'The key of the secrets cannot be used',
  ({ file, reason }: { file: string; reason: string }) =>
    `The key of the secrets, ${file}, cannot be used: ${reason}. Restore the file that belongs to this database from a backup.`,
) {}

/** Never names the secret. */
export class SecretUnreadableError extends defineError(
  'SECRET_UNREADABLE',
  'A secret cannot be opened',
  ({ service, config, property }: { service: string; config: string; property: string }) =>
    `The secret ${property} of ${config} of ${service} was not sealed for that place, or with another key. Set it again.`,
) {}
