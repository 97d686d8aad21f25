import { appendFile } from 'node:fs/promises';
import { decodeEnvelope } from '@stackyard/proto';
import { sealedSecrets } from '@stackyard/sdk/render';
import type { Logger } from 'pino';
import type { ArtifactStore, StoredArtifact } from '../artifacts/store.ts';
import type { Downloads } from '../connection/download.ts';
import { orderOf } from '../envelope.ts';
import { download } from '../packages/download.ts';
import type { PhaseJob } from '../phases/job.ts';
import { missingPackages } from '../phases/missing.ts';
import type { OpenedSecrets } from '../secrets/fetch.ts';
import type { PhaseOrder } from '../phases/order.ts';
import type { AttemptRef } from '../session/messages.ts';
import type { AttemptsOptions } from '../spool/attempts.ts';
import type { Job } from '../spool/job.ts';

export interface PreparationOptions {
  readonly artifacts: ArtifactStore;
  readonly downloads: Downloads;
  /** The secrets that are sealed in an attempt's envelope. */
  readonly secrets: (ref: AttemptRef, sealed: readonly string[], signal: AbortSignal) => Promise<OpenedSecrets>;
  /** Where archives of packages wait to be unpacked. */
  readonly packagesDir: string;
  /** The module that runners load. */
  readonly jobModule: string;
  readonly logFileOf: (ref: AttemptRef) => string;
  readonly log: Logger;
}

/** Gets ready what an attempt needs on this host: its artifact and the archives of packages. */
export function preparation(options: PreparationOptions): AttemptsOptions['prepare'] {
  const { artifacts, jobModule, log, logFileOf } = options;
  return async (ref, bytes, signal): Promise<Job> => {
    // What the log of the attempt says before its runner does.
    const preface: string[] = [];
    try {
      const envelope = decodeEnvelope(bytes);
      const order = orderOf(envelope);
      const { artifact, fetched } = await artifacts.ensure(envelope.artifactDigest, signal);
      if (fetched) preface.push(`Fetched the stack's artifact ${envelope.artifactDigest.slice(0, 19)}….`);
      const archives = await fetchArchives(options, { order, artifact, signal, preface });
      const secrets = await options.secrets(ref, sealedSecrets(order.inputs), signal);
      signal.throwIfAborted();
      const input: PhaseJob = { order, artifact, archives, preface, secrets };
      return { module: jobModule, input, code: artifact };
    } catch (error) {
      log.warn({ ...ref, err: error }, 'An attempt could not be prepared');
      const text = [...preface, (error as Error).message].map((line) => `${line}\n`).join('');
      await appendFile(logFileOf(ref), text, { mode: 0o600 }).catch(() => undefined);
      throw error;
    }
  };
}

async function fetchArchives(
  { downloads, packagesDir }: PreparationOptions,
  what: { order: PhaseOrder; artifact: StoredArtifact; signal: AbortSignal; preface: string[] },
): Promise<Record<string, string>> {
  const { order, artifact, signal, preface } = what;
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
    preface.push(`Downloaded ${name} ${version} (${(size / 2 ** 20).toFixed(1)} MiB) from the server in ${seconds} s.`);
  }
  return archives;
}
