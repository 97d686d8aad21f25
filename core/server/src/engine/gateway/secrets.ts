import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import type { Logger } from '@stackyard/kernel';
import type { SecretsReply, SecretsRequest__Output } from '@stackyard/proto';
import type { Pool } from 'pg';
import { isAttemptId } from '../attemptIds.ts';
import { attemptIdOf } from '../sessions/wire.ts';

/** Opens secrets of a service. @throws when one is not of that service */
export type OpenSecret = (at: { readonly clusterId: string; readonly service: string }, sealed: string) => string;

/** More properties than any service has. */
const MOST = 1_000;

/**
 * Opens the secrets of a service for a host that runs an attempt for it, and for nobody else: which host asks is proven
 * by its certificate, and a secret opens only as one of the attempt's own service.
 */
export async function openSecrets(
  call: ServerUnaryCall<SecretsRequest__Output, SecretsReply>,
  reply: sendUnaryData<SecretsReply>,
  {
    hostId,
    sql,
    open,
    log,
  }: { readonly hostId: string; readonly sql: Pool; readonly open: OpenSecret; readonly log: Logger },
): Promise<void> {
  const { attempt, sealed } = call.request;
  const id = attemptIdOf(attempt);
  try {
    const at = isAttemptId(id) && sealed.length <= MOST ? await placeOf(sql, id, hostId) : undefined;
    if (!at) {
      return reply({
        code: status.PERMISSION_DENIED,
        details: 'The host does not run this attempt: it gets no secrets.',
      });
    }
    reply(null, { opened: Object.fromEntries(sealed.map((each) => [each, open(at, each)])) });
  } catch (error) {
    log.error({ err: error, hostId, attempt: id }, 'The secrets of an attempt could not be opened');
    const isTold = error instanceof Error && 'code' in error && error.code === 'SECRET_UNREADABLE';
    reply(
      isTold
        ? { code: status.FAILED_PRECONDITION, details: error.message }
        : { code: status.UNAVAILABLE, details: 'The secrets could not be read on the server. Try again.' },
    );
  }
}

async function placeOf(sql: Pool, id: string, hostId: string) {
  const { rows } = await sql.query<{ clusterId: string; service: string }>({
    name: 'place-of-running-attempt',
    text: `select task.cluster_id as "clusterId", task.service from attempt join task on task.id = attempt.task_id
      where attempt.id = $1 and attempt.host_id = $2 and attempt.state = 'RUNNING'`,
    values: [id, hostId],
  });
  return rows[0];
}
