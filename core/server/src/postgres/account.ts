import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { RootRefusedError } from './errors.ts';

/**
 * Who PostgreSQL runs as. It refuses uid 0, so root gives it a user namespace, where the same rights go by another
 * number: nothing has to be copied or given away. Second choice is a system user of our own, never `nobody`.
 */
export type Account =
  | { readonly kind: 'self' }
  | { readonly kind: 'namespace'; readonly uid: number; readonly gid: number }
  | { readonly kind: 'user'; readonly uid: number; readonly gid: number };

/** One line of /etc/passwd. */
export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** What the choice depends on. */
export interface AccountFacts {
  /** Our own uid. */
  readonly uid: number;
  /** Has our uid a name? `initdb` insists on one. */
  readonly named: boolean;
  /** Owner of the data directory. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Is there a database in it already? */
  readonly created: boolean;
  /** Does this machine allow user namespaces? Asked only when it matters. */
  readonly namespaces: () => Promise<boolean>;
  readonly passwd: readonly PasswdEntry[];
}

const systemUser = 'stackyard';

/** Chooses the account; the owner of an existing directory decides, so a later start never chooses differently. */
export async function chooseAccount(facts: AccountFacts): Promise<Account> {
  const { uid, owner, created, passwd } = facts;
  if (uid !== 0 && (facts.named || created)) return { kind: 'self' };
  if (uid === 0 && owner.uid !== 0) return { kind: 'user', ...owner };
  const mapped = passwd.find((entry) => entry.uid !== 0 && entry.name !== 'nobody');
  if (mapped && (created || (await facts.namespaces()))) {
    return { kind: 'namespace', uid: mapped.uid, gid: mapped.gid === 0 ? mapped.uid : mapped.gid };
  }
  if (uid !== 0) return { kind: 'self' };
  const user = passwd.find((entry) => entry.name === systemUser && entry.uid !== 0);
  if (!user) throw new RootRefusedError();
  return { kind: 'user', uid: user.uid, gid: user.gid };
}

/** Gathers the facts of this process and machine. */
export async function accountFacts(at: Pick<AccountFacts, 'owner' | 'created'>): Promise<AccountFacts> {
  return {
    ...at,
    uid: process.getuid?.() ?? -1,
    named: hasName(),
    namespaces: () => probeNamespace(),
    passwd: parsePasswd(await readFile('/etc/passwd', 'utf8').catch(() => '')),
  };
}

/** The command line of a program under an account. */
export function commandFor(account: Account, file: string, args: readonly string[]): readonly string[] {
  if (account.kind !== 'namespace') return [file, ...args];
  return ['unshare', '-U', `--map-user=${account.uid}`, `--map-group=${account.gid}`, file, ...args];
}

/** The ids to spawn with, if not our own. */
export function spawnIds(account: Account): { uid?: number; gid?: number } {
  return account.kind === 'user' ? { uid: account.uid, gid: account.gid } : {};
}

export function parsePasswd(text: string): readonly PasswdEntry[] {
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 4)
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
}

function hasName(): boolean {
  try {
    return userInfo().username !== '';
  } catch {
    return false;
  }
}

async function probeNamespace(): Promise<boolean> {
  const child = spawn('unshare', ['-U', '--map-user=1', '--map-group=1', 'true'], { stdio: 'ignore' });
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code === 0;
  } catch {
    return false;
  }
}
