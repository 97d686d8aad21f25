import { defineError } from '@stackyard/kernel';

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The server and database of a connection URL, without user and password. */
export function describeUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed) return 'the configured address';
  const socket = parsed.searchParams.get('host');
  return `${socket ?? parsed.host}${parsed.pathname}`;
}

export class DatabaseUnreachableError extends defineError(
  'DATABASE_UNREACHABLE',
  'Database cannot be reached',
  ({ database, reason }: { database: string; reason: unknown }) =>
    `PostgreSQL at ${database} cannot be used: ${textOf(reason)}. Check that it runs and that DATABASE_URL names it with the right user.`,
) {}

export class NewerDataError extends defineError(
  'DATABASE_NEWER',
  'Data of a newer version',
  ({ database, migrations }: { database: string; migrations: readonly string[] }) =>
    `The data in ${database} was written by a newer version of Stackyard (it has ${migrations.join(', ')}). Start that version, or restore an older backup.`,
) {}

export class EpochLostError extends defineError(
  'DATABASE_EPOCH_LOST',
  'Another server took over',
  ({ epoch }: { epoch: number }) =>
    `Another server has taken over this database, so what this one (epoch ${epoch}) decides no longer counts. Stop one of the two.`,
) {}
