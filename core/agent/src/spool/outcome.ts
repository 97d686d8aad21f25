import { isAlive, statOf } from '../processes/identity.ts';
import type { Trace } from '../processes/kill.ts';
import type { FoundEntry } from '../executor/state.ts';
import { linkOnce } from './durable.ts';
import {
  type Accepted,
  type AttemptRef,
  type Decision,
  encodeDecision,
  type Found,
  monotonicMs,
  readProgress,
} from './entry.ts';
import { attemptCookie, outputFile } from './job.ts';
import { sizeOf } from './size.ts';
import type { Spool } from './spool.ts';

/** The files of an attempt and whether its runner lives, looked at in the order that cannot miss an end in between. */
export async function observe(spool: Spool, accepted: Accepted): Promise<FoundEntry> {
  const path = spool.pathOf(accepted);
  for (;;) {
    // The process first, the files second: the other way round, an attempt that ends in between would seem lost.
    const { decision, tryNumber } = await readProgress(path);
    const runnerAlive = typeof decision !== 'string' && isAlive(decision, spool.bootId);
    await spool.syncExit(accepted);
    const progress = await readProgress(path);
    // A runner of the agent before decided in between: nobody has looked yet whether that one lives.
    if (progress.tryNumber !== tryNumber) continue;
    return { accepted, runnerAlive, ...progress, logSize: await sizeOf(`${path}/${outputFile}`) };
  }
}

/**
 * Decides a try as aborted: won means that it certainly has not run and will not. Otherwise the decision that holds is
 * the runner's, or of an agent that was there before.
 */
export async function fence(
  spool: Spool,
  ref: AttemptRef,
  tryNumber: number,
): Promise<{ readonly won: boolean; readonly decision: Found<Decision> }> {
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
  if (await linkOnce(`${path}/decision.${tryNumber}`, encodeDecision(abort))) return { won: true, decision: abort };
  const { decision } = await readProgress(path);
  return { won: false, decision };
}

/** What everything of a try is found by. */
export function traceOf({ cookie, group }: Pick<Decision, 'cookie' | 'group'>): Trace {
  return { cookie: { name: attemptCookie, value: cookie }, group };
}
