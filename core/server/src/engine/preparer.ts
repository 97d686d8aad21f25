import { createHash } from 'node:crypto';
import { StackyardError } from '@stackyard/kernel';
import { decodeEnvelope, encodeEnvelope, type Envelope, fromValueMap } from '@stackyard/proto';
import type { PreparedEnvelope } from './core/events.ts';
import type { LoadedJob, Place } from './core/job.ts';
import type { EnvelopeSource, Prepared } from './ports.ts';
import type { AttemptResult } from './sessions/messages.ts';
import { failed } from './sessions/outcomes.ts';

export interface PreparerOptions {
  readonly envelopes: EnvelopeSource;
  readonly prepared: (envelopes: readonly PreparedEnvelope[]) => void;
  /** It could not be built: what the attempt comes to. */
  readonly unprepared: (attemptId: string, result: AttemptResult) => void;
}

/** Built at a time: the first are on their way to the database and to their agents while the next are built. */
const AT_ONCE = 100;

/** Builds envelopes ahead of their dispatch and keeps them while they may be needed again. */
export class Preparer {
  readonly #options: PreparerOptions;
  readonly #asked = new Map<string, Place>();
  readonly #building = new Map<string, AbortController>();
  readonly #prepared = new Map<string, Prepared>();
  #isDue = false;

  constructor(options: PreparerOptions) {
    this.#options = options;
  }

  get(attemptId: string): Prepared | undefined {
    return this.#prepared.get(attemptId);
  }

  /** Builds the envelope of the task's latest attempt and keeps it, unless it is dropped meanwhile. */
  prepare(attemptId: string, place: Place): void {
    this.#asked.set(attemptId, place);
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => this.#proceed());
  }

  /** The envelopes of these tasks of a job that is not stored yet, where they can be built at once; nothing is kept. */
  async foresee(job: LoadedJob, nodes: readonly number[]): Promise<readonly Prepared[]> {
    const { envelopes } = this.#options;
    try {
      await envelopes.foresee(job.row);
      return nodes.flatMap((node) => {
        const { id, number } = job.attempts[node]!;
        const envelope = envelopes.envelopeNow(job.row, job.tasks[node]!, number);
        return envelope ? [preparedOf(id, { job, node }, envelope)] : [];
      });
    } catch {
      // Told once the job is there, as what its task comes to.
      return [];
    }
  }

  /** One that was foreseen is to be sent. */
  keep(prepared: Prepared): void {
    this.#prepared.set(prepared.attemptId, prepared);
  }

  /** Not needed any more: a build that is on its way is ended. */
  drop(attemptId: string): void {
    this.#asked.delete(attemptId);
    this.#prepared.delete(attemptId);
    this.#building.get(attemptId)?.abort();
    this.#building.delete(attemptId);
  }

  release(jobId: string): void {
    this.#options.envelopes.release(jobId);
  }

  stop(): void {
    this.#asked.clear();
    for (const controller of this.#building.values()) controller.abort();
  }

  #proceed(): void {
    const ready: Prepared[] = [];
    let left = AT_ONCE;
    for (const [attemptId, place] of this.#asked) {
      if (left-- === 0) break;
      this.#asked.delete(attemptId);
      const built = this.#prepared.get(attemptId) ?? this.#buildNow(attemptId, place);
      if (built) ready.push(built);
    }
    this.#isDue = this.#asked.size > 0;
    if (this.#isDue) setImmediate(() => this.#proceed());
    if (ready.length > 0) this.#options.prepared(ready);
  }

  #buildNow(attemptId: string, place: Place): Prepared | undefined {
    const { envelopes, unprepared } = this.#options;
    const { job, node } = place;
    try {
      const envelope = envelopes.envelopeNow(job.row, job.tasks[node]!, job.attempts[node]!.number);
      if (envelope) return this.#keep(attemptId, place, envelope);
      void this.#build(attemptId, place);
    } catch (error) {
      unprepared(attemptId, unpreparedBy(error));
    }
    return undefined;
  }

  async #build(attemptId: string, place: Place): Promise<void> {
    const { envelopes, prepared, unprepared } = this.#options;
    const { job, node } = place;
    const controller = new AbortController();
    const { signal } = controller;
    this.#building.set(attemptId, controller);
    try {
      const { number } = job.attempts[node]!;
      const envelope = await envelopes.envelopeOf(job.row, job.tasks[node]!, number, signal);
      if (!signal.aborted) prepared([this.#keep(attemptId, place, envelope)]);
    } catch (error) {
      if (!signal.aborted) unprepared(attemptId, unpreparedBy(error));
    } finally {
      if (this.#building.get(attemptId) === controller) this.#building.delete(attemptId);
    }
  }

  #keep(attemptId: string, place: Place, envelope: Envelope): Prepared {
    const prepared = preparedOf(attemptId, place, envelope);
    this.keep(prepared);
    return prepared;
  }
}

function preparedOf(attemptId: string, { job, node }: Place, envelope: Envelope): Prepared {
  const bytes = encodeEnvelope(envelope);
  const hash = createHash('sha256').update(bytes).digest('hex');
  const values = job.tasks[node]!.phase === 'configure' ? valuesOf(bytes) : undefined;
  return { attemptId, bytes, hash, values };
}

function valuesOf(envelope: Buffer): Prepared['values'] {
  const { values } = decodeEnvelope(envelope);
  return Object.fromEntries(Object.entries(values).map(([config, map]) => [config, fromValueMap(map)]));
}

const damaged: ReadonlySet<string> = new Set([
  'PACKAGE_CHECKSUM',
  'PACKAGE_PIN',
  'PACKAGE_SIZE',
  'PACKAGE_ARCHIVE',
  'PACKAGE_DAMAGED',
]);

/** What a task comes to whose envelope could not be built. */
function unpreparedBy(error: unknown): AttemptResult {
  const reason =
    error instanceof StackyardError && damaged.has(error.code) ? 'ARTIFACT_INTEGRITY' : 'PACKAGE_UNAVAILABLE';
  return failed(reason, error instanceof Error ? error.message : String(error));
}
