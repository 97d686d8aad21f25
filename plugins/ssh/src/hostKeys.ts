import { createHash } from 'node:crypto';
import type { Records } from '@stackyard/contract';

/** The key by which a machine proves that it is the one it was. */
export interface HostKey {
  /** Such as ssh-ed25519. */
  readonly type: string;
  /** As OpenSSH shows it: SHA256:… */
  readonly fingerprint: string;
}

export interface KnownHostKey extends HostKey {
  readonly acceptedAt: string;
  readonly acceptedBy: string;
}

export interface SshAddress {
  readonly address: string;
  readonly port: number;
}

const COLLECTION = 'ssh.hostKeys';

/** The key as it comes over the wire: its type with its length before it, then the rest. */
export function hostKeyOf(blob: Buffer): HostKey {
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  const type = blob.subarray(4, 4 + Math.min(length, 64)).toString('latin1');
  const digest = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '');
  return { type: /^[\w@.-]+$/.test(type) ? type : 'unknown', fingerprint: `SHA256:${digest}` };
}

/** Host keys that somebody has confirmed, by address and port. */
export class HostKeys {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  find({ address, port }: SshAddress): Promise<KnownHostKey | undefined> {
    return this.#records.get<KnownHostKey>(COLLECTION, `${address}:${port}`);
  }

  async remember({ address, port }: SshAddress, key: HostKey, acceptedBy: string): Promise<void> {
    const known: KnownHostKey = { ...key, acceptedAt: new Date().toISOString(), acceptedBy };
    await this.#records.put(COLLECTION, `${address}:${port}`, known);
  }

  /** @returns whether it was known */
  forget({ address, port }: SshAddress): Promise<boolean> {
    return this.#records.delete(COLLECTION, `${address}:${port}`);
  }
}
