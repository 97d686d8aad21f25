import { createHash } from 'node:crypto';
import { StackyardError } from '@stackyard/kernel';
import { encodeEnvelope } from '@stackyard/proto';
import type { Place } from './core/job.ts';
import type { EnvelopeSource } from './ports.ts';
import type { AttemptResult } from './sessions/messages.ts';
import { failed } from './sessions/outcomes.ts';

/** An envelope as it is hashed, journaled and sent. */
export interface Prepared {
  readonly bytes: Buffer;
  readonly hash: string;
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
   * @returns false when it was dropped meanwhile. @throws what the source throws, unless it was dropped meanwhile
   */
  async prepare(place: Place): Promise<boolean> {
    const { id } = place.job.attempts[place.node]!;
    if (this.#prepared.has(id)) return true;
    const controller = new AbortController();
    this.#building.set(id, controller);
    try {
      const prepared = await this.#build(place, controller.signal);
      if (controller.signal.aborted) return false;
      this.#prepared.set(id, prepared);
      return true;
    } catch (error) {
      if (controller.signal.aborted) return false;
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
    const envelope = await this.#envelopes.envelopeOf(job.row, job.tasks[node]!, number, signal);
    const bytes = encodeEnvelope(envelope);
    return { bytes, hash: createHash('sha256').update(bytes).digest('hex') };
  }
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
