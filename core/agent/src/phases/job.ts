import type { StackManifest } from '@stackyard/sdk/manifest';
import { LIFECYCLE, lifecycleFile, readVerified, type StoredArtifact } from '../artifacts/store.ts';
import type { JobContext } from '../spool/job.ts';
import { loadModule } from '../spool/loadModule.ts';
import { phaseContext, type PhaseResult } from './context.ts';
import type { PhaseOrder } from './order.ts';
import { redactor } from '../secrets/redactor.ts';
import { rehearsalIn } from './rehearsal.ts';
import { runPhase } from './runPhase.ts';

/** What the agent hands to the runner. */
export interface PhaseJob {
  readonly order: PhaseOrder;
  readonly artifact: StoredArtifact;
  /** By how they stand, sealed, in the order. It comes by the runner's pipe and is in no file. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Archives of packages by name, verified when they came. */
  readonly archives: Readonly<Record<string, string>>;
  /** What was done before the runner took over. */
  readonly preface: readonly string[];
}

interface Loaded {
  readonly at: number;
  readonly manifest: StackManifest;
}

/** How old a look at the artifact's files may be when something of it is executed. */
const fresh = 1_000;

/** While the command goes to the disk: the artifact is verified and its manifest read, nothing of it is executed. */
export function load({ artifact }: PhaseJob): Loaded {
  const at = performance.now();
  const manifest = readVerified(artifact).get('manifest.json')?.toString() ?? '';
  return { at, manifest: JSON.parse(manifest) as StackManifest };
}

/** Runs the phase of an attempt in the runner's process: the module that runners load. */
export async function run(job: PhaseJob, context: JobContext): Promise<PhaseResult> {
  const secrets = Object.values(job.secrets);
  if (secrets.length > 0) context.hideBy(redactor(secrets));
  return perform(job, context, (line) => void process.stdout.write(`${line}\n`));
}

async function perform(
  job: PhaseJob,
  { signal, loaded }: Pick<JobContext, 'signal' | 'loaded'>,
  log: (line: string) => void,
): Promise<PhaseResult> {
  job.preface.forEach(log);
  const early = loaded as Loaded | undefined;
  const { manifest } = early && performance.now() - early.at < fresh ? early : load(job);
  const context = phaseContext({
    order: job.order,
    secrets: job.secrets,
    artifact: job.artifact,
    manifest,
    signal,
    log,
  });
  return runPhase(context, job.archives);
}

/**
 * What every task does first (list, read and hash files, import a module, find its function) takes several milliseconds
 * the first time in a process. A runner runs one task, but it waits for that task beforehand: it goes through all of it once
 * with a stack that does nothing, in silence. Then it loads the functions of the stack whose tasks it may get.
 */
export async function rehearse(dir: string, stack?: StoredArtifact): Promise<void> {
  const { order, artifact, clear } = await rehearsalIn(dir);
  try {
    const job = { order, artifact, archives: {}, preface: [], secrets: {} };
    const loaded = load(job);
    await perform(job, { signal: new AbortController().signal, loaded }, () => undefined);
    process.stdout.write('');
    // Many functions ask their component something.
    process.getBuiltinModule('node:http');
    if (stack && readVerified(stack).has(LIFECYCLE)) await loadModule(lifecycleFile(stack));
  } finally {
    await clear();
  }
}
