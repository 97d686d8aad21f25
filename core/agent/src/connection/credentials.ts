import { credentials, Metadata, type ChannelCredentials, type ChannelOptions } from '@grpc/grpc-js';
import type { Identity } from '../identity.ts';

/** How this agent trusts its server. The one place that changes when channels are encrypted. */
export function channelCredentials(): ChannelCredentials {
  return credentials.createInsecure();
}

/** What proves to the server who calls. */
export function callMetadata({ agentId, secret }: Pick<Identity, 'agentId' | 'secret'>): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Agent ${agentId}:${secret}`);
  return metadata;
}

/**
 * A channel of its own for each purpose, with dead peers noticed after 15 s at most. The pool of connections is local:
 * a global one would put logs and downloads on the connection of the control stream.
 */
export const channelOptions: ChannelOptions = {
  'grpc.use_local_subchannel_pool': 1,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.max_receive_message_length': 16 * 1024 * 1024,
  'grpc.enable_retries': 0,
  // How often to try again is decided here, with jitter; the channel itself must not be slower than that.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
};
