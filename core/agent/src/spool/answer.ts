import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutorEffect, ExecutorHappening } from '../executor/state.ts';
import { ProcessesSurviveError } from '../processes/errors.ts';
import { isAlive } from '../processes/identity.ts';
import { endProcesses, type EndReport } from '../processes/kill.ts';
import type { AttemptRef, Refusal } from '../session/messages.ts';
import { readExitNow } from './entry.ts';
import { AttemptKnownError, InvalidAttemptError } from './errors.ts';
import { outputFile } from './job.ts';
import { fence, traceOf } from './outcome.ts';
import { sizeOf } from './size.ts';
import type { Spool } from './spool.ts';
import { sentenceOf } from './systemError.ts';

/** What is asked of disk and processes, each with one answer. */
export type Asked = Extract<
  ExecutorEffect,
  { kind: 'writeCommand' | 'fence' | 'readExit' | 'endProcesses' | 'writeExit' | 'bury' | 'settle' }
>;

type Of<K extends Asked['kind']> = Extract<Asked, { kind: K }>;

/** Why and how what ran was ended. */
export interface EndedHow extends EndReport {
  readonly reason: string;
  readonly graceMs: number;
}

interface Host {
  readonly spool: Spool;
  /** Ends what waits. */
  readonly signal: AbortSignal;
  readonly ended: (ref: AttemptRef, how: EndedHow) => void;
}

/** Does one thing on this host and tells what came of it. A thrown error means that it may be asked again. */
export async function answer(asked: Asked, host: Host): Promise<ExecutorHappening | undefined> {
  const { spool, signal } = host;
  if ('afterMs' in asked && asked.afterMs > 0) await delay(asked.afterMs, undefined, { signal, ref: false });
  switch (asked.kind) {
    case 'writeCommand':
      return writeCommand(asked, spool);
    case 'fence': {
      const { attempt, tryNumber } = asked;
      return { kind: 'fenced', attempt, tryNumber, ...(await fence(spool, attempt, tryNumber)) };
    }
    case 'readExit':
      return look(asked, spool);
    case 'endProcesses':
      return end(asked, host);
    case 'writeExit':
      return writeExit(asked, spool);
    case 'bury':
      await spool.bury(asked.attempt);
      return { kind: 'buried', attempt: asked.attempt };
    case 'settle':
      await spool.settle(asked.attempt);
      return undefined;
  }
}

async function writeCommand({ order }: Of<'writeCommand'>, spool: Spool): Promise<ExecutorHappening> {
  const { attempt, hash, envelope } = order;
  try {
    await spool.accept({ ref: attempt, hash, payload: envelope });
    return { kind: 'commandWritten', attempt };
  } catch (error) {
    return { kind: 'commandRefused', attempt, reason: refusalFor(error), message: sentenceOf(error) };
  }
}

function refusalFor(error: unknown): Refusal {
  // Set aside as damaged, or a name that could leave the spool: never taken.
  if (error instanceof AttemptKnownError || error instanceof InvalidAttemptError) return 'AGENT_STATE_LOST';
  // A disk that refuses to be written, be it full or broken, keeps no result either.
  return 'SPOOL_FULL';
}

async function look({ attempt, decision, sync }: Of<'readExit'>, spool: Spool): Promise<ExecutorHappening> {
  const path = spool.pathOf(attempt);
  // Small and just written: quicker read here than by a thread that is woken for it.
  const told = sync ? 'none' : readExitNow(path);
  // The process first, the file second: the other way round, an attempt that ends in between would seem lost.
  const alive = typeof told === 'string' && decision !== undefined && isAlive(decision, spool.bootId);
  if (sync) await spool.syncExit(attempt);
  const exit = typeof told === 'string' ? readExitNow(path) : told;
  const isSizeKnown = typeof exit !== 'string' && exit.logSize !== undefined;
  return { kind: 'exitRead', attempt, exit, alive, logSize: isSizeKnown ? 0 : await logSizeOf(spool, attempt) };
}

async function end({ attempt, decision, graceMs, ending }: Of<'endProcesses'>, { spool, ended }: Host) {
  // The runner reads it when the signal comes, and so does an agent that finds the attempt dead.
  if (ending !== undefined) await writeFile(`${spool.pathOf(attempt)}/ending`, ending, { mode: 0o600 });
  try {
    const report = await endProcesses({ ...traceOf(decision), leader: decision, graceMs });
    if (ending !== undefined) ended(attempt, { reason: ending, graceMs, ...report });
    return { kind: 'processesEnded', attempt } as const;
  } catch (error) {
    if (!(error instanceof ProcessesSurviveError)) throw error;
    return { kind: 'processesSurvive', attempt, message: error.message } as const;
  }
}

async function writeExit({ attempt, exit }: Of<'writeExit'>, spool: Spool): Promise<ExecutorHappening> {
  try {
    const held = await spool.finish(attempt, exit);
    return { kind: 'exitWritten', attempt, exit: held, logSize: await logSizeOf(spool, attempt) };
  } catch (error) {
    return { kind: 'exitNotWritten', attempt, exit, message: sentenceOf(error) };
  }
}

function logSizeOf(spool: Spool, attempt: Of<'readExit'>['attempt']): Promise<number> {
  return sizeOf(`${spool.pathOf(attempt)}/${outputFile}`);
}
