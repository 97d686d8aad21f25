import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { linkOnce, syncDirectory, writeDurably } from './durable.ts';
import {
  type Accepted,
  type AttemptPhase,
  type AttemptRef,
  attemptId,
  entryName,
  parseEntryName,
  readCommand,
  readProgress,
} from './entry.ts';
import { decodeRecord, encodeRecord } from './record.ts';
import type { Tombstone } from './tombstones.ts';

/** An entry that could not be read. Its attempt is never taken again. */
export interface Quarantined {
  readonly ref: AttemptRef;
  readonly path: string;
  readonly reason: string;
}

/** An attempt as the journal holds it in memory. */
export interface Entry {
  readonly accepted: Accepted;
  phase: AttemptPhase;
}

type Loaded = Entry | { readonly kind: 'damaged'; readonly reason: string } | { readonly kind: 'nothing' };

/** Reads an entry's directory; removes it when nothing in it was ever promised. */
export async function load(dir: string, ref: AttemptRef, tombstone: Tombstone | undefined): Promise<Loaded> {
  const path = join(dir, entryName(ref));
  const command = await readCommand(path);
  const progress = await readProgress(path);
  if (command === 'none' && progress.decision === 'none' && progress.exit === 'none') {
    // The crash came before the command was durable, hence before it was promised.
    await rm(path, { recursive: true });
    return { kind: 'nothing' };
  }
  if (command === 'none') return { kind: 'damaged', reason: 'its command is missing' };
  if (command === 'unreadable') return { kind: 'damaged', reason: 'its command is torn or changed' };
  const { accepted } = command;
  if (attemptId(accepted) !== attemptId(ref)) return { kind: 'damaged', reason: 'its command is of another attempt' };
  const phase: AttemptPhase = tombstone
    ? 'ACKED'
    : progress.exit !== 'none'
      ? 'EXITED'
      : progress.decision === 'none'
        ? 'ACCEPTED'
        : 'DECIDED';
  return { accepted, phase };
}

/** Sets a damaged entry aside. */
export async function quarantine(dir: string, ref: AttemptRef, reason: string): Promise<Quarantined> {
  const path = join(dir, 'quarantine', entryName(ref));
  await mkdir(join(dir, 'quarantine'), { recursive: true, mode: 0o700 });
  await rm(path, { recursive: true, force: true });
  await rename(join(dir, entryName(ref)), path);
  await syncDirectory(join(dir, 'quarantine'));
  return { ref, path, reason };
}

export async function listQuarantined(dir: string): Promise<Quarantined[]> {
  const names = await readdir(join(dir, 'quarantine')).catch(() => []);
  return names.flatMap((name) => {
    const ref = parseEntryName(name);
    return ref ? [{ ref, path: join(dir, 'quarantine', name), reason: 'set aside earlier' }] : [];
  });
}

/** The journal's id, made with it; `isNew` when that was now. */
export async function journalOf(dir: string): Promise<{ readonly journalId: string; readonly isNew: boolean }> {
  const file = join(dir, 'journal');
  // On a full disk it has to open too.
  const isNew = !existsSync(file) && (await linkOnce(file, encodeRecord({ journalId: randomUUID() })));
  const known = decodeRecord(await readFile(file))?.head as { journalId: string } | undefined;
  if (known) return { ...known, isNew };
  // Damaged: nothing may be believed about the past, which is what a new id tells the server.
  const journalId = randomUUID();
  await writeDurably(file, encodeRecord({ journalId }));
  return { journalId, isNew: false };
}
