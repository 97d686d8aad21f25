import { randomUUID } from 'node:crypto';
import {
  type KeyState,
  parsePublicKeyLine,
  type Publisher as TrustedPublisher,
  SigningError,
} from '@stackyard/sdk/artifact';
import type { EntityManager } from '@mikro-orm/postgresql';
import { NotFoundError } from '../api/errors.ts';
import {
  Allowance,
  type AllowanceRow,
  type Policy,
  Publisher,
  PublisherKey,
  type PublisherKeyRow,
  type PublisherRow,
  TrustPolicy,
} from '../database/entities.ts';
import type { Transaction, Transactions } from '../engine/ports.ts';
import { KeyKnownError, KeyLineError, KeyStateError, PublisherScopesError } from './errors.ts';

/** Safest that lets a server be tried: what its own configuration names is let in under every policy. */
export const USUAL_POLICY: Policy = 'signed';

export interface KnownPublisher extends PublisherRow {
  readonly keys: readonly PublisherKeyRow[];
}

/** Whom and what this server trusts. Read anew each time: it is asked rarely, and must never be out of date. */
export class Trust {
  readonly #em: () => EntityManager;
  readonly #transactions: Transactions;

  constructor(parts: { em: () => EntityManager; transactions: Transactions }) {
    this.#em = parts.em;
    this.#transactions = parts.transactions;
  }

  async policy(): Promise<Policy> {
    return (await this.#em().findOne(TrustPolicy, { id: 1 }))?.policy ?? USUAL_POLICY;
  }

  async setPolicy(policy: Policy, by: string): Promise<void> {
    await this.#change(by, `policy ${policy}`, async ({ em }) => {
      await em.upsert(TrustPolicy, { id: 1, policy, changedBy: by, changedAt: new Date() });
    });
  }

  async publishers(): Promise<KnownPublisher[]> {
    const em = this.#em();
    const rows = await em.find(Publisher, {}, { orderBy: { name: 'asc' } });
    const keys = await em.find(PublisherKey, {}, { orderBy: { addedAt: 'asc' } });
    return rows.map((row) => ({ ...row, keys: keys.filter(({ publisher }) => publisher === row.name) }));
  }

  /** As signatures are verified against. */
  async trusted(): Promise<TrustedPublisher[]> {
    return (await this.publishers()).map(({ name, scopes, keys }) => ({
      name,
      scopes,
      keys: keys.map(({ keyId, publicKey, state }) => ({ keyId, publicKey, state })),
    }));
  }

  async keyStates(): Promise<ReadonlyMap<string, KeyState>> {
    const keys = await this.#em().find(PublisherKey, {});
    return new Map(keys.map(({ keyId, state }) => [keyId, state]));
  }

  /**
   * Trusts a key. A publisher that is not known yet needs scopes; those of a known one stay as they are.
   *
   * @param line as `stackyard publisher keygen` prints it
   * @throws KeyLineError, KeyKnownError, PublisherScopesError
   */
  async addKey(line: string, scopes: readonly string[] | undefined, by: string): Promise<KnownPublisher> {
    const { publisher, keyId, publicKey } = parsedLine(line);
    await this.#change(by, `key ${keyId} of ${publisher} added`, async ({ em }) => {
      const known = await em.findOne(PublisherKey, { keyId });
      if (known) throw new KeyKnownError({ keyId, publisher: known.publisher, state: known.state });
      const now = new Date();
      const there = await em.findOne(Publisher, { name: publisher });
      if (there ? scopes && scopes.toString() !== there.scopes.toString() : !scopes)
        throw new PublisherScopesError({ publisher, known: there?.scopes });
      if (!there) em.create(Publisher, { name: publisher, scopes: [...(scopes ?? [])], addedBy: by, addedAt: now });
      em.create(PublisherKey, {
        keyId,
        publisher,
        publicKey,
        state: 'active',
        addedBy: by,
        addedAt: now,
        changedAt: null,
      });
    });
    return this.#publisher(publisher);
  }

  /** @throws NotFoundError */
  async setScopes(publisher: string, scopes: readonly string[], by: string): Promise<KnownPublisher> {
    await this.#change(by, `publisher ${publisher} for ${scopes.join(', ') || 'nothing'}`, async ({ em }) => {
      const row = await em.findOne(Publisher, { name: publisher });
      if (!row) throw new NotFoundError({ what: 'publisher', name: publisher });
      row.scopes = [...scopes];
    });
    return this.#publisher(publisher);
  }

  /** @throws NotFoundError; KeyStateError for a step back. */
  async setKeyState(keyId: string, state: 'retired' | 'revoked', by: string): Promise<KnownPublisher> {
    const publisher = await this.#change(by, `key ${keyId} ${state}`, async ({ em }) => {
      const key = await em.findOne(PublisherKey, { keyId });
      if (!key) throw new NotFoundError({ what: 'key', name: keyId });
      if (!next[key.state].includes(state)) throw new KeyStateError({ keyId, state: key.state, wanted: state });
      key.state = state;
      key.changedAt = new Date();
      return key.publisher;
    });
    return this.#publisher(publisher);
  }

  async allowances(): Promise<AllowanceRow[]> {
    return this.#em().find(Allowance, {}, { orderBy: { addedAt: 'asc' } });
  }

  async allow(
    what: { readonly digest: string } | { readonly package: string; readonly version: string },
    note: string,
    by: string,
  ): Promise<AllowanceRow> {
    const named = 'digest' in what ? what.digest : `${what.package}@${what.version}`;
    return this.#change(by, `${named} allowed`, async ({ em }) =>
      em.create(Allowance, {
        id: randomUUID(),
        digest: 'digest' in what ? what.digest : null,
        package: 'digest' in what ? null : what.package,
        version: 'digest' in what ? null : what.version,
        note,
        addedBy: by,
        addedAt: new Date(),
      }),
    );
  }

  /** @throws NotFoundError */
  async disallow(id: string, by: string): Promise<void> {
    await this.#change(by, `allowance ${id} taken back`, async ({ em }) => {
      if ((await em.nativeDelete(Allowance, { id })) === 0) throw new NotFoundError({ what: 'allowance', name: id });
    });
  }

  #change<T>(by: string, change: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#transactions.run(async (tx) => {
      const result = await work(tx);
      tx.event('stack', undefined, { kind: 'trust', change, by });
      return result;
    });
  }

  async #publisher(name: string): Promise<KnownPublisher> {
    const found = (await this.publishers()).find((each) => each.name === name);
    if (!found) throw new NotFoundError({ what: 'publisher', name });
    return found;
  }
}

/** The states that a key may take next. */
const next: Readonly<Record<KeyState, readonly KeyState[]>> = {
  active: ['retired', 'revoked'],
  retired: ['revoked'],
  revoked: [],
};

function parsedLine(line: string): ReturnType<typeof parsePublicKeyLine> {
  try {
    return parsePublicKeyLine(line);
  } catch (error) {
    if (error instanceof SigningError) throw new KeyLineError({ reason: error.message }, { cause: error });
    throw error;
  }
}
