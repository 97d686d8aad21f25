import type { JobRow } from '../database/entities.ts';

/** Tells who waits for the end of a job how it ended. */
export class JobEnds {
  readonly #awaited = new Map<string, PromiseWithResolvers<JobRow | undefined>>();

  /** Resolves when the end of the job is told. */
  of(jobId: string): Promise<JobRow | undefined> {
    let awaited = this.#awaited.get(jobId);
    if (!awaited) {
      awaited = Promise.withResolvers();
      this.#awaited.set(jobId, awaited);
    }
    return awaited.promise;
  }

  /** @param job its row as it ended; undefined when it is gone */
  tell(jobId: string, job: JobRow | undefined): void {
    this.#awaited.get(jobId)?.resolve(job);
    this.#awaited.delete(jobId);
  }
}
