import { connectivityState } from '@grpc/grpc-js';
import type { AgentsClient } from '@stackyard/proto';
import { ServerUnreachableError } from '../errors.ts';

const WHY_MS = 1_000;

/**
 * Waits until the client's channel is connected.
 * @throws ServerUnreachableError at the first failure: how often to try again is the caller's business.
 */
export function untilReady(client: AgentsClient, server: string, limitMs = 10_000): Promise<void> {
  const channel = client.getChannel();
  const deadline = Date.now() + limitMs;
  return new Promise((resolve, reject) => {
    function look(): void {
      const state = channel.getConnectivityState(true);
      if (state === connectivityState.READY) return resolve();
      if (state === connectivityState.TRANSIENT_FAILURE) {
        return void reasonOf(client).then((cause) => reject(new ServerUnreachableError(server, { cause })));
      }
      if (state === connectivityState.SHUTDOWN) return reject(new ServerUnreachableError(server));
      channel.watchConnectivityState(state, deadline, (error) =>
        error ? reject(new ServerUnreachableError(server)) : look(),
      );
    }
    look();
  });
}

/** Why a channel could not be connected, such as by a certificate that has expired: only a call that fails says so. */
function reasonOf(client: AgentsClient): Promise<Error | undefined> {
  return new Promise((resolve) => {
    client.Renew({}, { deadline: Date.now() + WHY_MS }, (error) => {
      const [, reason] = /Last error: (?:Error: )?(.+?)\.? Resolution note:/s.exec(error?.details ?? '') ?? [];
      resolve(reason === undefined ? undefined : new Error(reason));
    });
  });
}
