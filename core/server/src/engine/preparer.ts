import { createHash } from 'node:crypto';
import { StackyardError } from '@stackyard/kernel';
import { decodeEnvelope, encodeEnvelope, fromValueMap } from '@stackyard/proto';
import type { Place } from './core/job.ts';
import type { EnvelopeSource } from './ports.ts';
import type { AttemptResult } from './sessions/messages.ts';
import { failed } from './sessions/outcomes.ts';

/** An envelope as it is hashed, journaled and sent. */
export interface Prepared {
  readonly bytes: Buffer;
  readonly hash: string;
  /** By config, of a `configure`: what it is told to write. */
  readonly values: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
}

/** Builds envelopes ahead of their dispatch and keeps them while they may be needed again. */
export class Preparer {
  readonly #envelopes: EnvelopeSource;
  readonly #building = new Map<string, AbortController>();
  readonly #prepared = new Map<string, Prepared>();

  constructor(envelopes: EnvelopeSource) {
    this.#envelopes = envelopes;
  }

  get(attemptId: string): Prepared | undefined {
    return this.#prepared.get(attemptId);
  }

  /**
   * Builds the envelope of the task's latest attempt and keeps it.
   *
   * @returns undefined when it was dropped meanwhile. @throws what the source throws, unless it was dropped meanwhile
   */
  async prepare(place: Place): Promise<Prepared | undefined> {
    const { id } = place.job.attempts[place.node]!;
    const kept = this.#prepared.get(id);
    if (kept) return kept;
    const controller = new AbortController();
    this.#building.set(id, controller);
    try {
      const prepared = await this.#build(place, controller.signal);
      if (controller.signal.aborted) return undefined;
      this.#prepared.set(id, prepared);
      return prepared;
    } catch (error) {
      if (controller.signal.aborted) return undefined;
      throw error;
    } finally {
      if (this.#building.get(id) === controller) this.#building.delete(id);
    }
  }

  /** Not needed any more: a build that is on its way is ended. */
  drop(attemptId: string): void {
    this.#prepared.delete(attemptId);
    this.#building.get(attemptId)?.abort();
    this.#building.delete(attemptId);
  }

  release(jobId: string): void {
    this.#envelopes.release(jobId);
  }

  stop(): void {
    for (const controller of this.#building.values()) controller.abort();
  }

  async #build({ job, node }: Place, signal: AbortSignal): Promise<Prepared> {
    const { number } = job.attempts[node]!;
    const task = job.tasks[node]!;
    const envelope = await this.#envelopes.envelopeOf(job.row, task, number, signal);
    const bytes = encodeEnvelope(envelope);
    const values = task.phase === 'configure' ? valuesOf(bytes) : undefined;
    return { bytes, hash: createHash('sha256').update(bytes).digest('hex'), values };
  }
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
export function unprepared(error: unknown): AttemptResult {
  const reason =
    error instanceof StackyardError && damaged.has(error.code) ? 'ARTIFACT_INTEGRITY' : 'PACKAGE_UNAVAILABLE';
  return failed(reason, error instanceof Error ? error.message : String(error));
}
