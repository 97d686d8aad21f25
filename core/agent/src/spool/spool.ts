import { existsSync, statfsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readBootId } from '../processes/identity.ts';
import { linkOnce, syncWithName } from './durable.ts';
import {
  type Accepted,
  type AttemptPhase,
  type AttemptRef,
  attemptId,
  encodeAccepted,
  encodeExit,
  entryName,
  type ExitRecord,
  monotonicMs,
  parseEntryName,
  readCommand,
  readExit,
} from './entry.ts';
import { AttemptKnownError, AttemptUnknownError, SpoolFullError } from './errors.ts';
import { type Entry, journalOf, listQuarantined, load, quarantine, type Quarantined } from './load.ts';
import { isReserveKept, keepReserve, releaseReserve } from './reserve.ts';
import { SpareEntry } from './spareEntry.ts';
import { type Tombstone, TombstoneFile } from './tombstones.ts';

export interface SpoolOptions {
  /** The boot id of the host; the kernel's unless given. */
  readonly bootId?: string;
  /** Refuse commands when less is free on the disk, 64 MiB unless told. */
  readonly minFreeBytes?: number;
  /** Set aside for results on a full disk, 8 MiB unless told. */
  readonly reserveBytes?: number;
}

export interface SettledResult {
  readonly accepted: Accepted;
  readonly exit: ExitRecord;
}

const dayMs = 24 * 3_600_000;
const keepSettledDirectories = 1_000;

/**
 * The journal of attempts: a directory for each, every step durable before anybody is told of it. One agent per spool: hold
 * `lockHostRoot` before opening it.
 */
export class Spool {
  readonly dir: string;
  readonly bootId: string;
  /** Made when the directory was: another one means that the history is gone. */
  readonly journalId: string;
  /** There was no journal: what may run here is not known. */
  readonly isNew: boolean;
  readonly quarantined: readonly Quarantined[];
  readonly #entries: Map<string, Entry>;
  readonly #tombstones: TombstoneFile;
  readonly #spare: SpareEntry;
  readonly #minFreeBytes: number;
  readonly #reserveBytes: number;
  /** By attempt: what is being noted as acknowledged. */
  readonly #settling = new Map<string, Promise<void>>();

  private constructor(from: {
    dir: string;
    bootId: string;
    journalId: string;
    isNew: boolean;
    entries: Map<string, Entry>;
    quarantined: readonly Quarantined[];
    tombstones: TombstoneFile;
    minFreeBytes: number;
    reserveBytes: number;
  }) {
    this.dir = from.dir;
    this.bootId = from.bootId;
    this.journalId = from.journalId;
    this.isNew = from.isNew;
    this.quarantined = from.quarantined;
    this.#entries = from.entries;
    this.#tombstones = from.tombstones;
    this.#spare = new SpareEntry(from.dir);
    this.#minFreeBytes = from.minFreeBytes;
    this.#reserveBytes = from.reserveBytes;
  }

  /** Opens the journal, making it when there is none. Entries that are torn or damaged are moved to `quarantine/`. */
  static async open(dir: string, options: SpoolOptions = {}): Promise<Spool> {
    const { bootId = readBootId(), minFreeBytes = 64 * 2 ** 20, reserveBytes = 8 * 2 ** 20 } = options;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await keepReserve(dir, reserveBytes);
    const tombstones = await TombstoneFile.open(join(dir, 'tombstones'));
    const entries = new Map<string, Entry>();
    const quarantined = await listQuarantined(dir);
    for (const name of await readdir(dir)) {
      const ref = parseEntryName(name);
      if (!ref) continue;
      const found = await load(dir, ref, tombstones.get(ref));
      if ('accepted' in found) entries.set(attemptId(ref), found);
      else if (found.kind === 'damaged') quarantined.push(await quarantine(dir, ref, found.reason));
    }
    return new Spool({
      dir,
      bootId,
      ...(await journalOf(dir)),
      entries,
      quarantined,
      tombstones,
      minFreeBytes,
      reserveBytes,
    });
  }

  /** The directory of an attempt: `cmd`, `decision.k`, `output.log`, `exit`. */
  pathOf(ref: AttemptRef): string {
    return join(this.dir, entryName(ref));
  }

  /**
   * Journals a command; when this resolves it survives a power loss and may be promised to the server.
   * @throws AttemptKnownError when the attempt was taken before, whatever has become of it
   * @throws SpoolFullError when the disk is too full to promise that a result can be kept
   */
  async accept({ ref, hash, payload }: { ref: AttemptRef; hash: string; payload: Uint8Array }): Promise<void> {
    const id = attemptId(ref);
    const path = this.pathOf(ref);
    const known = this.phaseOf(ref);
    if (known) throw new AttemptKnownError(id, known);
    const accepted: Accepted = {
      taskId: ref.taskId,
      number: ref.number,
      hash,
      bootId: this.bootId,
      acceptedAt: Date.now(),
      acceptedMono: monotonicMs(),
    };
    // Reserved before the first wait, so that the same attempt is not taken twice at once.
    this.#entries.set(id, { accepted, phase: 'ACCEPTED' });
    try {
      const { bavail, bsize } = statfsSync(this.dir);
      const isReserved =
        isReserveKept(this.dir, this.#reserveBytes) || (await keepReserve(this.dir, this.#reserveBytes));
      if (bavail * bsize < this.#minFreeBytes || !isReserved) throw new SpoolFullError(this.dir, bavail * bsize);
      // Only syncs take their time: what goes to the kernel's memory is done quicker here than by a thread.
      this.#spare.become(path, encodeAccepted(accepted, payload));
      // Content, name and the directory's own name go to the disk side by side. A power loss meanwhile may leave it torn: it
      // is set aside then, and was not promised.
      await syncWithName(join(path, 'cmd'), this.dir);
      this.#spare.replaceSoon();
    } catch (error) {
      this.#entries.delete(id);
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw new SpoolFullError(this.dir, 0);
      throw error;
    }
  }

  /** How far an attempt is, or undefined when it was never heard of. */
  phaseOf(ref: AttemptRef): AttemptPhase | 'QUARANTINED' | undefined {
    const id = attemptId(ref);
    const entry = this.#entries.get(id);
    if (entry) return entry.phase;
    if (this.#tombstones.get(ref)) return 'ACKED';
    return this.quarantined.some((each) => attemptId(each.ref) === id) ? 'QUARANTINED' : undefined;
  }

  /** All attempts whose result the server has not acknowledged. */
  unsettled(): Accepted[] {
    return [...this.#entries.values()].filter(({ phase }) => phase !== 'ACKED').map(({ accepted }) => accepted);
  }

  /** @throws AttemptUnknownError */
  acceptedOf(ref: AttemptRef): Accepted {
    const entry = this.#entries.get(attemptId(ref));
    if (!entry) throw new AttemptUnknownError(attemptId(ref), this.dir);
    return entry.accepted;
  }

  /** The bytes of the command as they were accepted. */
  async payloadOf(ref: AttemptRef): Promise<Buffer> {
    const command = await readCommand(this.pathOf(ref));
    if (typeof command === 'string') throw new AttemptUnknownError(attemptId(ref), this.dir);
    return command.payload;
  }

  /** Remembers that a try was decided, or that the result is on disk; the files say so already. */
  advance(ref: AttemptRef, phase: 'DECIDED' | 'EXITED'): void {
    const entry = this.#entries.get(attemptId(ref));
    if (entry && entry.phase !== 'ACKED' && entry.phase !== 'EXITED') entry.phase = phase;
  }

  /** Makes a result that a runner left durable, in case it was killed before it had done so itself. */
  async syncExit(ref: AttemptRef): Promise<void> {
    const path = this.pathOf(ref);
    if (existsSync(join(path, 'exit'))) await syncWithName(join(path, 'exit'));
  }

  /** Writes the result unless there is one, durably, and gives back the one that holds. */
  async finish(ref: AttemptRef, exit: ExitRecord): Promise<ExitRecord> {
    const path = this.pathOf(ref);
    this.acceptedOf(ref);
    if ((await readExit(path)) === 'unreadable') await rename(join(path, 'exit'), join(path, 'exit.damaged'));
    const write = () => linkOnce(join(path, 'exit'), encodeExit(exit));
    await write().catch((error: unknown) => {
      if (!releaseReserve(this.dir, error)) throw error;
      return write();
    });
    this.advance(ref, 'EXITED');
    const held = await readExit(path);
    return typeof held === 'string' ? exit : held;
  }

  /** The server has committed the result. A loss of this note only means that the result is told again. */
  async settle(ref: AttemptRef): Promise<void> {
    const id = attemptId(ref);
    const entry = this.#entries.get(id);
    if (!entry || entry.phase === 'ACKED') return;
    const settling = this.#settling.get(id) ?? this.#noteSettled(entry).finally(() => this.#settling.delete(id));
    this.#settling.set(id, settling);
    await settling;
  }

  async #noteSettled(entry: Entry): Promise<void> {
    const { taskId, number, hash } = entry.accepted;
    const exit = await readExit(this.pathOf(entry.accepted));
    const { exitCode, reason } = typeof exit === 'string' ? {} : exit;
    entry.phase = 'ACKED';
    await this.#tombstones.add({ taskId, number, hash, at: Date.now(), exitCode, reason });
  }

  /** Makes sure that an attempt that never came is not taken later; durable when it resolves. */
  async bury(ref: AttemptRef): Promise<void> {
    entryName(ref);
    if (this.phaseOf(ref)) return;
    await this.#tombstones.add({ taskId: ref.taskId, number: ref.number, hash: '', at: Date.now() });
    await this.#tombstones.sync();
  }

  /** Every attempt that is over, oldest first: seven days of them, 100,000 at most. */
  tombstones(): IterableIterator<Tombstone> {
    return this.#tombstones.all();
  }

  /** A result the server has acknowledged, kept for a day: it heals a server whose database was restored from a backup. */
  async settledResult(ref: AttemptRef): Promise<SettledResult | undefined> {
    // It may be asked for in the very moment in which it is acknowledged.
    await this.#settling.get(attemptId(ref))?.catch(() => undefined);
    const { accepted, phase } = this.#entries.get(attemptId(ref)) ?? {};
    const exit = accepted && phase === 'ACKED' ? await readExit(this.pathOf(accepted)) : 'none';
    return accepted && typeof exit !== 'string' ? { accepted, exit } : undefined;
  }

  /** All results that were acknowledged and are kept. */
  async settledResults(): Promise<SettledResult[]> {
    const results: SettledResult[] = [];
    for (const { accepted } of this.#entries.values()) {
      const result = await this.settledResult(accepted);
      if (result) results.push(result);
    }
    return results;
  }

  /** Removes directories acknowledged more than a day ago, or more than 1,000 of them, and tombstones after seven days. */
  async sweep(now: number = Date.now()): Promise<void> {
    const settled = [...this.#entries].filter(([, { phase }]) => phase === 'ACKED');
    const surplus = settled.length - keepSettledDirectories;
    const due = settled.filter(([, { accepted }], index) => {
      return index < surplus || now - (this.#tombstones.get(accepted)?.at ?? now) > dayMs;
    });
    // The tombstone must be durable before the directory, which says the same, goes.
    if (due.length > 0) await this.#tombstones.sync();
    for (const [id, { accepted }] of due) {
      await rm(this.pathOf(accepted), { recursive: true, force: true });
      this.#entries.delete(id);
    }
    await this.#tombstones.compact(now);
    await keepReserve(this.dir, this.#reserveBytes);
  }

  async close(): Promise<void> {
    this.#spare.close();
    await this.#tombstones.close();
  }
}
