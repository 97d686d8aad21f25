import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Identity } from '../identity/identity.ts';
import { type Recovered, restore } from '../session/restore.ts';
import type { Fence, SessionState } from '../session/state.ts';
import type { Attempts, Spool } from '../spool/index.ts';
import { termsOf } from '../wire.ts';

/** The session as the disk remembers it. Attempts that still run are followed from here on. */
export async function restoredSession(from: {
  readonly identity: Identity;
  readonly root: string;
  readonly fenceFile: string;
  readonly spool: Spool;
  readonly attempts: Attempts;
}): Promise<SessionState> {
  const { spool, attempts } = from;
  const recovered: Recovered[] = [];
  for (const { acceptedMono, startedMono, ...known } of await attempts.recover()) {
    const terms = termsOf(await spool.payloadOf(known.attempt));
    const endBy = startedMono !== undefined && terms.timeoutMs > 0 ? startedMono + terms.timeoutMs : undefined;
    recovered.push({ ...known, terms, startBy: acceptedMono + terms.startWithinMs, endBy });
  }
  const damaged = spool.quarantined.map(({ ref }) => ({ attempt: ref, hash: '' }));
  const over = [...spool.tombstones()].map(({ taskId, number, hash }) => ({ attempt: { taskId, number }, hash }));
  const fence = await readFence(from);
  return restore({ root: from.root, fence, attempts: recovered, tombstones: [...over, ...damaged] });
}

/** An identity of another installation starts without a fence. */
async function readFence(from: { readonly identity: Identity; readonly fenceFile: string }): Promise<Fence> {
  const { identity, fenceFile } = from;
  const fresh: Fence = { installId: identity.installId, epoch: 0 };
  if (!existsSync(fenceFile)) return fresh;
  const kept = JSON.parse(await readFile(fenceFile, 'utf8')) as Fence;
  return kept.installId === identity.installId ? kept : fresh;
}
