import { setTimeout as delay } from 'node:timers/promises';
import { Agents, type SecretsReply__Output } from '@stackyard/proto';
import { status } from '@grpc/grpc-js';
import { backoffMs } from '../connection/backoff.ts';
import { channelOptions, type Credentials } from '../connection/credentials.ts';
import { untilReady } from '../connection/ready.ts';
import { SecretsRefusedError, ServerUnreachableError } from '../errors.ts';
import type { AttemptRef } from '../session/messages.ts';

const LIMIT_MS = 15_000;

/** Answers that asking again does not change. */
const FINAL: ReadonlySet<number> = new Set([
  status.PERMISSION_DENIED,
  status.FAILED_PRECONDITION,
  status.UNAUTHENTICATED,
  status.UNIMPLEMENTED,
]);

export type OpenedSecrets = Readonly<Record<string, string>>;

/**
 * Asks the server for the secrets of an attempt, by how they stand in its envelope. They are kept in memory only: whoever
 * starts the attempt after a restart of the agent asks again. A server that is away is waited for until the signal.
 *
 * @throws SecretsRefusedError; the signal's reason
 */
export async function fetchSecrets(
  credentials: Credentials,
  { attempt, sealed, signal }: { attempt: AttemptRef; sealed: readonly string[]; signal: AbortSignal },
): Promise<OpenedSecrets> {
  if (sealed.length === 0) return {};
  for (let fruitless = 0; ; fruitless++) {
    try {
      return await ask(credentials, attempt, sealed);
    } catch (error) {
      signal.throwIfAborted();
      const { code, details } = error as { code?: unknown; details?: unknown };
      if (typeof code === 'number' && FINAL.has(code)) throw new SecretsRefusedError(String(details));
      await delay(backoffMs(fruitless, Math.random()), undefined, { signal });
    }
  }
}

async function ask(
  credentials: Credentials,
  { taskId, number }: AttemptRef,
  sealed: readonly string[],
): Promise<OpenedSecrets> {
  const { server } = credentials;
  const client = new Agents(server, credentials.channel(), channelOptions);
  try {
    await untilReady(client, server, LIMIT_MS);
    const reply = await new Promise<SecretsReply__Output>((resolve, reject) => {
      const request = { attempt: { taskId, number }, sealed: [...sealed] };
      client.Secrets(request, { deadline: Date.now() + LIMIT_MS }, (error, answer) =>
        answer ? resolve(answer) : reject(error ?? new ServerUnreachableError(server)),
      );
    });
    return reply.opened;
  } finally {
    client.close();
  }
}
