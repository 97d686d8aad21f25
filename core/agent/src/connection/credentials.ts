import { createSecureContext } from 'node:tls';
import { type ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js';
import { serverCheck } from '../identity/authorities.ts';
import type { Identity } from '../identity/identity.ts';

/**
 * The identity that an agent has at present. Channels that are opened after it was replaced use the new certificate;
 * those that are open keep the one they were opened by.
 */
export class Credentials {
  readonly #save: (identity: Identity) => Promise<void>;
  #identity: Identity;
  #channel: ChannelCredentials | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(identity: Identity, save: (identity: Identity) => Promise<void> = async () => undefined) {
    this.#identity = identity;
    this.#save = save;
  }

  get identity(): Identity {
    return this.#identity;
  }

  /** `host:port` where the server takes agents. */
  get server(): string {
    return this.#identity.server;
  }

  /** Replaces parts of the identity, durably, after those that were replaced before. */
  replace(parts: Partial<Identity>): Promise<void> {
    const replaced = this.#replaceAfter(this.#last, parts);
    this.#last = replaced.catch(() => undefined);
    return replaced;
  }

  async #replaceAfter(last: Promise<void>, parts: Partial<Identity>): Promise<void> {
    await last;
    const next = { ...this.#identity, ...parts };
    // What cannot be saved is used all the same: the old one will be worth less.
    this.#identity = next;
    this.#channel = undefined;
    await this.#save(next);
  }

  /** How the next channel proves who calls and finds out who answers; the same object until the identity is replaced. */
  channel(): ChannelCredentials {
    const { key, certificate: cert, authorities: ca, installId } = this.#identity;
    this.#channel ??= credentials.createFromSecureContext(
      createSecureContext({ key, cert, ca, minVersion: 'TLSv1.3' }),
      { checkServerIdentity: serverCheck(installId) },
    );
    return this.#channel;
  }
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
  // Who the server is stands in its certificate; a name is not needed, and an address is no name.
  'grpc.ssl_target_name_override': 'stackyard',
  // How often to try again is decided here, with jitter; the channel itself must not be slower than that.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
};
