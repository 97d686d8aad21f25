import { createHash, timingSafeEqual } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import type { Pool } from 'pg';
import { isUuid } from '../attemptIds.ts';

const AUTHORIZATION = /^Agent ([0-9a-f-]{36}):([A-Za-z0-9_-]{20,200})$/;

/** What is stored of tokens and secrets, which are random and long: their SHA-256, hex. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** The host whose agent calls, or undefined when it does not prove to be one. Nothing else tells who calls. */
export async function authenticate(sql: Pool, metadata: Metadata): Promise<string | undefined> {
  const [header] = metadata.get('authorization');
  const [, hostId, secret] = AUTHORIZATION.exec(String(header)) ?? [];
  if (hostId === undefined || secret === undefined || !isUuid(hostId)) return undefined;
  const { rows } = await sql.query<{ hash: string }>({
    name: 'agent-secret',
    text: 'select secret_hash as hash from host where id = $1',
    values: [hostId],
  });
  const given = Buffer.from(hashSecret(secret));
  const stored = Buffer.from(rows[0]?.hash ?? hashSecret(''));
  return given.length === stored.length && timingSafeEqual(given, stored) ? hostId : undefined;
}
