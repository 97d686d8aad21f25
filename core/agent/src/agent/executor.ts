import { appendFile } from 'node:fs/promises';
import type { Reason } from '@stackyard/domain';
import { decodeEnvelope } from '@stackyard/proto';
import type { Logger } from 'pino';
import type { ArtifactStore, StoredArtifact } from '../artifacts/store.ts';
import type { Downloads } from '../connection/download.ts';
import { orderOf } from '../envelope.ts';
import { download } from '../packages/download.ts';
import type { PhaseJob } from '../phases/job.ts';
import { missingPackages } from '../phases/missing.ts';
import type { PhaseOrder } from '../phases/order.ts';
import { attemptId } from '../session/attempts.ts';
import type { AttemptRef, AttemptResult } from '../session/messages.ts';
import { unstarted } from '../session/run.ts';
import type { Attempts } from '../spool/attempts.ts';
import { AttemptKnownError } from '../spool/errors.ts';
import { endingMessage } from '../spool/recover.ts';
import type { Spool } from '../spool/spool.ts';
import { fromExit, toExit } from './results.ts';

type Ending = { readonly graceMs: number; readonly reason: 'KILLED' | 'TIMEOUT' };

interface Preparation {
  readonly abort: AbortController;
  ending?: Ending;
}

export interface ExecutorOptions {
  readonly spool: Spool;
  readonly attempts: Attempts;
  readonly artifacts: ArtifactStore;
  readonly downloads: Downloads;
  /** Where archives of packages wait to be unpacked. */
  readonly packagesDir: string;
  /** The module that runners load. */
  readonly jobModule: string;
  readonly log: Logger;
  /** The attempt ended without a runner; its result is on disk. */
  readonly finished: (ref: AttemptRef, result: AttemptResult) => void;
}

/** Gets ready what an attempt needs (its artifact, archives of packages) and hands it to a runner. */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #preparing = new Map<string, Preparation>();

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  start(ref: AttemptRef): void {
    const preparation: Preparation = { abort: new AbortController() };
    this.#preparing.set(attemptId(ref), preparation);
    void this.#launch(ref, preparation)
      .catch((error: unknown) => this.#fail(ref, error, preparation))
      .finally(() => this.#preparing.delete(attemptId(ref)))
      .catch((error: unknown) => this.#options.log.error({ ...ref, err: error }, 'A result could not be written'));
  }

  end(ref: AttemptRef, ending: Ending): void {
    const preparation = this.#preparing.get(attemptId(ref));
    if (preparation && !this.#options.attempts.isRunning(ref)) {
      preparation.ending ??= ending;
      preparation.abort.abort(new Error(endingMessage(ending.reason)));
      return;
    }
    this.#endRunning(ref, ending);
  }

  /** What the log of an attempt says before its runner does. */
  async #launch(ref: AttemptRef, preparation: Preparation): Promise<void> {
    const { spool, artifacts, attempts, jobModule } = this.#options;
    const preface: string[] = [];
    const { signal } = preparation.abort;
    try {
      const envelope = decodeEnvelope(await spool.payloadOf(ref));
      const order = orderOf(envelope);
      const { artifact, fetched } = await artifacts.ensure(envelope.artifactDigest, signal);
      if (fetched) preface.push(`Fetched the stack's artifact ${envelope.artifactDigest.slice(0, 19)}….`);
      const archives = await this.#archives(order, artifact, signal, preface);
      signal.throwIfAborted();
      const input: PhaseJob = { order, artifact, archives, preface };
      await attempts.start(ref, { module: jobModule, input });
    } catch (error) {
      await this.#writeLog(ref, [...preface, (error as Error).message]);
      throw error;
    }
    // The end was asked for while the runner was being started.
    if (preparation.ending) this.#endRunning(ref, preparation.ending);
  }

  async #archives(
    order: PhaseOrder,
    artifact: StoredArtifact,
    signal: AbortSignal,
    preface: string[],
  ): Promise<Record<string, string>> {
    const { downloads, packagesDir } = this.#options;
    const archives: Record<string, string> = {};
    for (const { name, version, digest, size } of await missingPackages(order, artifact)) {
      const startedAt = performance.now();
      archives[name] = await download({
        name: `${name} ${version}`,
        digest,
        size,
        dir: packagesDir,
        signal,
        read: (offset, aborted) => downloads.read(digest, offset, aborted),
      });
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      preface.push(
        `Downloaded ${name} ${version} (${(size / 2 ** 20).toFixed(1)} MiB) from the server in ${seconds} s.`,
      );
    }
    return archives;
  }

  #endRunning(ref: AttemptRef, ending: Ending): void {
    const { attempts, log } = this.#options;
    void attempts
      .end(ref, ending)
      .then((report) => report && log.info({ ...ref, ...ending, ...report }, 'An attempt was ended'))
      .catch((error: unknown) => log.error({ ...ref, err: error }, 'An attempt could not be ended'));
  }

  async #fail(ref: AttemptRef, error: unknown, { ending }: Preparation): Promise<void> {
    const { spool, log, finished } = this.#options;
    // It is or was running, and its own result will come.
    if (error instanceof AttemptKnownError) return log.error({ ...ref, err: error }, 'An attempt was started twice');
    log.warn({ ...ref, err: error }, 'An attempt was not started');
    const { reason, message } = error as { reason?: Reason; message: string };
    const result = ending
      ? unstarted(ending.reason, endingMessage(ending.reason))
      : unstarted(reason ?? 'EXIT_NONZERO', message);
    const held = await spool.finish(ref, toExit(result));
    finished(ref, fromExit(held, await this.#options.attempts.logSizeOf(ref)));
  }

  async #writeLog(ref: AttemptRef, lines: readonly string[]): Promise<void> {
    const text = lines.map((line) => `${line}\n`).join('');
    await appendFile(this.#options.attempts.logFileOf(ref), text, { mode: 0o600 }).catch(() => undefined);
  }
}
