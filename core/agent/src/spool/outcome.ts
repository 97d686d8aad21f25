import { isAlive, statOf } from '../processes/identity.ts';
import { endProcesses, type Trace } from '../processes/kill.ts';
import { linkOnce } from './durable.ts';
import {
  type Accepted,
  type AttemptRef,
  type Decision,
  encodeDecision,
  type EntryOnDisk,
  type ExitRecord,
  type Found,
  monotonicMs,
  readProgress,
} from './entry.ts';
import { attemptCookie } from './job.ts';
import type { Spool } from './spool.ts';

/** The files of an attempt and whether its runner lives, looked at in the order that cannot miss an end in between. */
export async function observe(spool: Spool, accepted: Accepted): Promise<{ entry: EntryOnDisk; runnerAlive: boolean }> {
  const path = spool.pathOf(accepted);
  // The process first, the files second: the other way round, an attempt that ends in between would seem lost.
  const { decision } = await readProgress(path);
  const runnerAlive = typeof decision !== 'string' && isAlive(decision, spool.bootId);
  return { entry: { accepted, ...(await readProgress(path)) }, runnerAlive };
}

/** Decides a try as aborted. False when a runner had decided to run it; true means that it certainly has not and will not. */
export async function fence(spool: Spool, ref: AttemptRef, tryNumber: number): Promise<boolean> {
  const path = spool.pathOf(ref);
  const abort: Decision = {
    verdict: 'abort',
    by: 'agent',
    pid: process.pid,
    startTime: statOf(process.pid)?.startTime ?? 0,
    bootId: spool.bootId,
    cookie: '',
    decidedAt: Date.now(),
    decidedMono: monotonicMs(),
  };
  if (await linkOnce(`${path}/decision.${tryNumber}`, encodeDecision(abort))) return true;
  const { decision } = await readProgress(path);
  return typeof decision !== 'string' && decision.verdict === 'abort';
}

/** Ends what is left of an attempt whose runner left no result, then writes the result that stands for it. */
export async function concludeUnknown(
  spool: Spool,
  ref: AttemptRef,
  decision: Found<Decision>,
  { reason, message }: { readonly reason: string; readonly message: string },
): Promise<ExitRecord> {
  const run = await endLeftovers(spool, decision);
  const startedAt = run?.decidedAt ?? 0;
  const durationMs = run ? Math.max(0, Date.now() - startedAt) : 0;
  return spool.finish(ref, { signal: run ? 'SIGKILL' : undefined, reason, message, startedAt, durationMs });
}

/** Ends what is left of a try that ran: a second attempt must never meet anything of the first. Gives back its decision. */
export async function endLeftovers(spool: Spool, decision: Found<Decision>): Promise<Decision | undefined> {
  if (typeof decision === 'string' || decision.verdict === 'abort') return undefined;
  if (decision.bootId === spool.bootId) await endProcesses({ ...traceOf(decision), graceMs: 0 });
  return decision;
}

/** What everything of a try is found by. */
export function traceOf({ cookie, group }: Pick<Decision, 'cookie' | 'group'>): Trace {
  return { cookie: { name: attemptCookie, value: cookie }, group };
}
