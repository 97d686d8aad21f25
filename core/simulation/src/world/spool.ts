import type { executor, session } from '@stackyard/agent';
import type { Random } from '../time/random.ts';

/** Something on a disk; what is not synced may be gone after a loss of power. */
interface Cell<T> {
  readonly value: T;
  synced: boolean;
}

export interface Command {
  readonly order: session.Order;
  readonly accepted: executor.Accepted;
}

/** The directory of an attempt. */
export class Entry {
  readonly ref: session.AttemptRef;
  command: Cell<Command> | undefined;
  readonly decisions = new Map<number, Cell<executor.Decision>>();
  exit: Cell<executor.ExitRecord> | undefined;
  ending: string | undefined;
  /** Bytes of output; they are never synced. */
  logSize = 0;
  logDelivered = false;
  #watcher: (() => void) | undefined;

  constructor(ref: session.AttemptRef) {
    this.ref = ref;
  }

  /** The script prints up to here. */
  print(logSize: number): void {
    this.logSize = logSize;
    this.#watcher?.();
  }

  /** There is one who looks: the agent. */
  watch(grown: () => void): () => void {
    this.#watcher = grown;
    return () => {
      if (this.#watcher === grown) this.#watcher = undefined;
    };
  }

  get tryNumber(): number {
    return Math.max(0, ...this.decisions.keys());
  }

  get decision(): executor.Found<executor.Decision> {
    return this.decisions.get(this.tryNumber)?.value ?? 'none';
  }

  /** `link(2)`: whoever is first has it. */
  decide(tryNumber: number, decision: executor.Decision): boolean {
    if (this.decisions.has(tryNumber)) return false;
    this.decisions.set(tryNumber, { value: decision, synced: false });
    return true;
  }

  /** `link(2)` again: an earlier result stays. */
  finish(exit: executor.ExitRecord): void {
    this.exit ??= { value: exit, synced: false };
  }

  /** Syncs the directory and the files that were linked into it: those were synced before. */
  sync(): void {
    for (const cell of [this.command, this.exit, ...this.decisions.values()]) if (cell) cell.synced = true;
  }
}

/** The disk of an agent: what is left of it after a loss of power is up to chance. */
export class Spool {
  readonly journalId: string;
  readonly entries = new Map<string, Entry>();
  /** No agent has opened it yet. */
  isNew = true;
  readonly quarantined: Entry[] = [];
  readonly #tombstones = new Map<string, Cell<string>>();
  full = false;

  constructor(journalId: string) {
    this.journalId = journalId;
  }

  entry(ref: session.AttemptRef): Entry {
    const id = idOf(ref);
    let entry = this.entries.get(id);
    if (!entry) {
      entry = new Entry(ref);
      this.entries.set(id, entry);
    }
    return entry;
  }

  /** @param hash empty when the command never came */
  bury(ref: session.AttemptRef, hash: string): void {
    this.#tombstones.set(idOf(ref), { value: hash, synced: false });
  }

  isBuried(ref: session.AttemptRef): boolean {
    return this.#tombstones.has(idOf(ref));
  }

  syncTombstones(): void {
    for (const cell of this.#tombstones.values()) cell.synced = true;
  }

  tombstones(): { readonly attempt: session.AttemptRef; readonly hash: string }[] {
    const damaged = this.quarantined.map(({ ref }) => ({ attempt: ref, hash: '' }));
    const over = [...this.#tombstones].map(([id, { value }]) => ({ attempt: refOf(id), hash: value }));
    return [...over, ...damaged];
  }

  /** The power goes: of what is not synced this share is lost. */
  losePower(random: Random, lostShare: number): void {
    const isLost = (cell: Cell<unknown> | undefined): boolean => cell?.synced === false && random.chance(lostShare);
    for (const entry of this.entries.values()) {
      if (isLost(entry.command)) entry.command = undefined;
      if (isLost(entry.exit)) entry.exit = undefined;
      for (const [tryNumber, cell] of entry.decisions) if (isLost(cell)) entry.decisions.delete(tryNumber);
      if (random.chance(lostShare)) entry.ending = undefined;
      if (random.chance(lostShare)) entry.logDelivered = false;
      if (random.chance(lostShare)) entry.logSize = Math.floor(entry.logSize * random.fraction());
      entry.sync();
    }
    for (const [id, cell] of this.#tombstones) if (isLost(cell)) this.#tombstones.delete(id);
    this.syncTombstones();
  }

  /** What a starting agent does: drops what was never promised, sets aside what is damaged. */
  open(): void {
    for (const [id, entry] of this.entries) {
      if (entry.command) continue;
      this.entries.delete(id);
      if (entry.exit || entry.decisions.size > 0) this.quarantined.push(entry);
    }
  }
}

export function idOf({ taskId, number }: session.AttemptRef): string {
  return `${taskId}/${number}`;
}

export function refOf(id: string): session.AttemptRef {
  const at = id.lastIndexOf('/');
  return { taskId: id.slice(0, at), number: Number(id.slice(at + 1)) };
}
