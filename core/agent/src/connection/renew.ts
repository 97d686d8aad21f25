import { Agents, type RenewReply__Output } from '@stackyard/proto';
import { ServerUnreachableError } from '../errors.ts';
import { channelOptions, type Credentials } from './credentials.ts';
import { untilReady } from './ready.ts';

const LIMIT_MS = 15_000;

/**
 * Asks for a new certificate by the present one: over a connection of its own, since one that is open for long was
 * opened by a certificate that has expired meanwhile.
 *
 * @throws ServerUnreachableError, or the server's refusal
 */
export async function renewOnline(credentials: Credentials, request: Buffer): Promise<RenewReply__Output> {
  const { server } = credentials;
  const client = new Agents(server, credentials.channel(), channelOptions);
  try {
    await untilReady(client, server, LIMIT_MS);
    return await new Promise((resolve, reject) => {
      client.Renew({ request }, { deadline: Date.now() + LIMIT_MS }, (error, reply) =>
        reply ? resolve(reply) : reject(error ?? new ServerUnreachableError(server)),
      );
    });
  } finally {
    client.close();
  }
}
