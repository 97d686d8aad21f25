import { executor, type session } from '@stackyard/agent';
import type { Process } from '../time/process.ts';
import type { Host } from './host.ts';
import { type Entry, idOf, type Spool } from './spool.ts';

type Ref = session.AttemptRef;
type Found = Omit<Extract<executor.ExecutorHappening, { kind: 'boot' }>, 'kind'>;

/** How long the kernel keeps what nobody synced. */
const FLUSH_MS = 30_000;

/** What an agent does on the disk of its host: each step takes its time, and a crash comes between any two. */
export class AgentDisk {
  readonly #host: Host;
  readonly #process: Process;
  readonly #spool: Spool;
  readonly #happened: (event: executor.ExecutorHappening) => void;
  readonly #fences: { readonly fence: session.Fence; readonly saved: () => void }[] = [];

  constructor(host: Host, process: Process, happened: (event: executor.ExecutorHappening) => void) {
    this.#host = host;
    this.#process = process;
    this.#spool = host.spool;
    this.#happened = happened;
  }

  /** Results that were acknowledged, the end of their logs perhaps not. */
  settled(): Entry[] {
    return [...this.#spool.entries.values()].filter(({ ref, exit }) => exit && this.#spool.isBuried(ref));
  }

  get journalId(): string {
    return this.#spool.journalId;
  }

  entryOf(attempt: Ref): Entry {
    return this.#spool.entry(attempt);
  }

  commandOf(attempt: Ref): session.Order {
    return this.#spool.entry(attempt).command!.value.order;
  }

  tombstones() {
    return this.#spool.tombstones();
  }

  /** Reads all that is not acknowledged. The processes are looked at first, the files second. */
  read(then: (found: Found) => void): void {
    const spool = this.#spool;
    // What may run here nobody knows of any more.
    if (spool.isNew) this.#host.endStrays();
    spool.isNew = false;
    spool.open();
    const quarantined = spool.quarantined.map(({ ref, decision }) => ({ attempt: ref, decision }));
    const entries = [...spool.entries.values()].filter(({ ref }) => !spool.isBuried(ref));
    const seen = entries.map(({ tryNumber }) => tryNumber);
    const alive = entries.map(({ decision }) => typeof decision !== 'string' && this.#host.isAlive(decision));
    this.#soon(() => {
      // A runner of the agent before decided in between: it is looked at again.
      if (entries.some(({ tryNumber }, index) => tryNumber !== seen[index])) return this.read(then);
      // Its runner may have been killed before it had done so itself.
      for (const entry of entries) if (entry.exit) this.#host.synced(entry);
      const found = entries.map(({ command, tryNumber, decision, exit, ending, logSize }, index) => ({
        accepted: command!.value.accepted,
        tryNumber,
        decision,
        exit: exit?.value ?? ('none' as const),
        ending,
        runnerAlive: alive[index]!,
        logSize,
      }));
      then({ found, quarantined });
    });
  }

  /** A result that was acknowledged; all of them are kept. */
  readSettled(attempt: Ref, then: (kept: session.Kept | undefined) => void): void {
    this.#soon(() => {
      const entry = this.#spool.isBuried(attempt) ? this.#spool.entries.get(idOf(attempt)) : undefined;
      const { command, exit, logSize } = entry ?? {};
      if (!command || !exit) return then(undefined);
      then({ hash: command.value.order.hash, result: executor.fromExit(exit.value, logSize ?? 0) });
    });
  }

  /** One after the other: the last one asked for is the one that stays. */
  saveFence(fence: session.Fence, saved: () => void): void {
    this.#fences.push({ fence, saved });
    if (this.#fences.length === 1) this.#saveNext();
  }

  writeCommand(order: session.Order): void {
    const { attempt, hash } = order;
    const { bootId } = this.#host;
    const acceptedMono = this.#process.now;
    this.#soon(() => {
      if (this.#spool.full) {
        const message = 'The disk is full.';
        this.#happened({ kind: 'commandRefused', attempt, reason: 'SPOOL_FULL', message });
        return;
      }
      const entry = this.#spool.entry(attempt);
      const accepted = { ...attempt, hash, bootId, acceptedAt: this.#host.wallMs(), acceptedMono };
      entry.command = { value: { order, accepted }, synced: false };
      this.#host.sync(this.#process, entry, () => this.#happened({ kind: 'commandWritten', attempt }));
    });
  }

  fence(attempt: Ref, tryNumber: number): void {
    const { bootId } = this.#host;
    this.#soon(() => {
      const entry = this.#spool.entry(attempt);
      const won = entry.decide(tryNumber, {
        verdict: 'abort',
        by: 'agent',
        pid: 1,
        startTime: 1,
        bootId,
        cookie: '',
        decidedAt: this.#host.wallMs(),
        decidedMono: this.#process.now,
      });
      this.#host.sync(this.#process, entry, () => {
        const decision = entry.decisions.get(tryNumber)?.value ?? 'none';
        this.#happened({ kind: 'fenced', attempt, tryNumber, won, decision });
      });
    });
  }

  /** The process is looked at first, the file second. */
  readExit({ attempt, decision, sync }: Extract<executor.ExecutorEffect, { kind: 'readExit' }>): void {
    const entry = this.#spool.entry(attempt);
    const alive = decision !== undefined && this.#host.isAlive(decision);
    const read = (): void => {
      const exit = entry.exit?.value ?? 'none';
      this.#happened({ kind: 'exitRead', attempt, exit, alive, logSize: entry.logSize });
    };
    this.#soon(() => (sync && entry.exit ? this.#host.sync(this.#process, entry, read) : read()));
  }

  writeExit(attempt: Ref, exit: executor.ExitRecord): void {
    this.#soon(() => {
      const entry = this.#spool.entry(attempt);
      entry.finish(exit);
      this.#host.sync(this.#process, entry, () =>
        this.#happened({ kind: 'exitWritten', attempt, exit: entry.exit!.value, logSize: entry.logSize }),
      );
    });
  }

  bury(attempt: Ref): void {
    this.#soon(() => {
      // What was accepted before is remembered by its entry.
      if (!this.#spool.entries.has(idOf(attempt))) this.#spool.bury(attempt, '');
      this.#soon(() => {
        this.#spool.syncTombstones();
        this.#happened({ kind: 'buried', attempt });
      });
    });
  }

  settle(attempt: Ref): void {
    this.#soon(() => {
      const hash = this.#spool.entries.get(idOf(attempt))?.command?.value.order.hash ?? '';
      this.#spool.bury(attempt, hash);
      const spool = this.#spool;
      this.#host.timeline.after(FLUSH_MS, () => spool.syncTombstones());
    });
  }

  #saveNext(): void {
    const [next] = this.#fences;
    if (!next) return;
    const { fence } = this.#host;
    this.#soon(() => {
      fence.value = next.fence;
      this.#soon(() => {
        fence.synced = next.fence;
        this.#fences.shift();
        next.saved();
        this.#saveNext();
      });
    });
  }

  #soon(run: () => void): void {
    this.#process.later(this.#host.diskMs(), run);
  }
}
