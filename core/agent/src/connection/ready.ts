import { type Client, connectivityState } from '@grpc/grpc-js';
import { ServerUnreachableError } from '../errors.ts';

/**
 * Waits until the client's channel is connected.
 * @throws ServerUnreachableError at the first failure: how often to try again is the caller's business.
 */
export function untilReady(client: Client, server: string, limitMs = 10_000): Promise<void> {
  const channel = client.getChannel();
  const deadline = Date.now() + limitMs;
  return new Promise((resolve, reject) => {
    function look(): void {
      const state = channel.getConnectivityState(true);
      if (state === connectivityState.READY) return resolve();
      if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) {
        return reject(new ServerUnreachableError(server));
      }
      channel.watchConnectivityState(state, deadline, (error) =>
        error ? reject(new ServerUnreachableError(server)) : look(),
      );
    }
    look();
  });
}
