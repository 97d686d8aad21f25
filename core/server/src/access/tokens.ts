import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Principal } from '@stackyard/contract';
import type { EntityManager } from '@mikro-orm/postgresql';
import { ApiToken } from '../database/entities.ts';

const PREFIX = 'syk_';
/** How long a token that was revoked may still be taken. */
const KNOWN_MS = 5_000;

/** A 256-bit token in the form we hand out: recognisable in logs and by secret scanners. */
export function newToken(prefix: string = PREFIX): string {
  return `${prefix}${randomBytes(32).toString('base64url')}`;
}

/** Tokens are 256 random bits, so one round of SHA-256 is as good as a slow hash and does not stall requests. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/**
 * Makes sure that there is an administrator's token, and that the file (0600) holds it.
 *
 * @returns the token. A file that was lost is replaced by a new token; the old one is no longer valid.
 */
export async function ensureAdminToken(em: EntityManager, file: string): Promise<string> {
  const kept = await readFile(file, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
  if (kept && (await em.findOne(ApiToken, { hash: hashToken(kept) }))) return kept;
  const token = newToken();
  await writeFile(`${file}.new`, `${token}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
  await em.nativeDelete(ApiToken, { name: 'admin' });
  em.create(ApiToken, { id: randomUUID(), name: 'admin', hash: hashToken(token), createdAt: new Date() });
  await em.flush();
  return token;
}

/** Finds the principal of a token. Rows are few and change only here, so a found one is remembered for a moment. */
export class Tokens {
  readonly #em: () => EntityManager;
  readonly #known = new Map<string, { readonly principal: Principal; readonly until: number }>();

  constructor(em: () => EntityManager) {
    this.#em = em;
  }

  async authenticate(token: string): Promise<Principal | undefined> {
    const hash = hashToken(token);
    const known = this.#known.get(hash);
    if (known && known.until > performance.now()) return known.principal;
    const row = await this.#em().findOne(ApiToken, { hash });
    if (!row) {
      this.#known.delete(hash);
      return undefined;
    }
    const principal: Principal = { id: row.id, name: row.name, kind: 'token' };
    this.#known.set(hash, { principal, until: performance.now() + KNOWN_MS });
    return principal;
  }
}
