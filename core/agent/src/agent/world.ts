import type { Logger } from 'pino';
import type { ControlConnection } from '../connection/control.ts';
import type { AttemptRef, AttemptResult, Order } from '../session/messages.ts';
import { NotJournaled, type SessionWorld } from '../session/driver.ts';
import type { Fence } from '../session/state.ts';
import type { Attempts, RunnerPool, Spool } from '../spool/index.ts';
import { writeDurably } from '../spool/durable.ts';
import { monotonicMs } from '../spool/entry.ts';
import { AttemptKnownError, InvalidAttemptError, SpoolFullError } from '../spool/errors.ts';
import { type Extras, toWire } from '../wire.ts';
import type { Executor } from './executor.ts';
import { fromExit, toExit } from './results.ts';

export interface AgentWorldOptions {
  readonly fenceFile: string;
  readonly connection: ControlConnection;
  readonly spool: Spool;
  readonly pool: RunnerPool;
  readonly attempts: Attempts;
  readonly executor: Executor;
  readonly extras: Extras;
  readonly log: Logger;
}

/** The session's world on a real host: the control stream, the journal on disk, runner processes. */
export function agentWorld(options: AgentWorldOptions): SessionWorld {
  const { connection, spool, pool, attempts, executor, extras, log } = options;
  let saved: Promise<void> = Promise.resolve();
  return {
    now: monotonicMs,
    send(stream, message) {
      connection.send(stream, toWire(message, extras));
      if (message.kind !== 'hello') connection.settled();
    },
    close: (stream, reason, retryAfterMs) => connection.close(stream, reason, retryAfterMs),
    saveFence(fence: Fence) {
      // One after the other: the last one asked for is the one that stays.
      saved = saved.catch(() => undefined).then(() => writeDurably(options.fenceFile, JSON.stringify(fence)));
      return saved;
    },
    async journal({ attempt, hash, envelope }: Order) {
      // While the command goes to the disk a runner can start.
      pool.warmUp();
      try {
        await spool.accept({ ref: attempt, hash, payload: envelope });
      } catch (error) {
        throw notJournaled(error);
      }
    },
    bury: (attempt: AttemptRef) => spool.bury(attempt),
    async finish(attempt: AttemptRef, result: AttemptResult) {
      const held = await spool.finish(attempt, toExit(result));
      return fromExit(held, await attempts.logSizeOf(attempt));
    },
    settle: (attempt: AttemptRef) => spool.settle(attempt),
    start: (attempt) => executor.start(attempt),
    end: (attempt, { graceMs, reason }) => executor.end(attempt, { graceMs, reason }),
    alert: (message, attempt) => log.error({ ...attempt }, message),
    failed: (error, effect) => log.error({ err: error, effect }, 'The agent could not keep its journal'),
  };
}

function notJournaled(error: unknown): unknown {
  if (error instanceof SpoolFullError) return new NotJournaled('SPOOL_FULL', error.message);
  // Set aside as damaged, or a name that could leave the spool: never taken.
  if (error instanceof AttemptKnownError || error instanceof InvalidAttemptError) {
    return new NotJournaled('AGENT_STATE_LOST', error.message);
  }
  return error;
}
