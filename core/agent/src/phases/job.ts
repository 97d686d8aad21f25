import { readdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../artifacts/digest.ts';
import { readManifest, type StoredArtifact, verifyArtifact } from '../artifacts/store.ts';
import type { JobContext } from '../spool/job.ts';
import { phaseContext, type PhaseResult } from './context.ts';
import type { PhaseOrder } from './order.ts';
import { runPhase } from './runPhase.ts';

/** What the agent hands to the runner. */
export interface PhaseJob {
  readonly order: PhaseOrder;
  readonly artifact: StoredArtifact;
  /** Archives of packages by name, verified when they came. */
  readonly archives: Readonly<Record<string, string>>;
  /** What was done before the runner took over. */
  readonly preface: readonly string[];
}

/** Runs the phase of an attempt in the runner's process: the module that runners load. */
export async function run(job: PhaseJob, { signal }: JobContext): Promise<PhaseResult> {
  const log = (line: string): void => void process.stdout.write(`${line}\n`);
  job.preface.forEach(log);
  await verifyArtifact(job.artifact);
  const manifest = await readManifest(job.artifact);
  const context = phaseContext({ order: job.order, artifact: job.artifact, manifest, signal, log });
  return runPhase(context, job.archives);
}

/**
 * What every task does first (list, read and hash files, import a module, write to the log) takes several milliseconds
 * the first time in a process. A runner runs one task, but it waits for that task beforehand.
 */
async function warmUp(): Promise<void> {
  const own = fileURLToPath(import.meta.url);
  await readdir(dirname(own), { withFileTypes: true, recursive: true });
  sha256(await readFile(own));
  const nothing: string = 'data:text/javascript,export default {}';
  await import(nothing);
  process.stdout.write('');
}

void warmUp().catch(() => undefined);
