import type { Logger } from 'pino';
import type { ControlConnection } from '../connection/control.ts';
import type { Refusal } from '../session/messages.ts';
import type { AttemptEffect, Happening, SessionWorld } from '../session/driver.ts';
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
  readonly happened: (happening: Happening) => void;
}

/** The session's world on a real host: the control stream, the journal on disk, runner processes. */
export function agentWorld(options: AgentWorldOptions): SessionWorld {
  const { connection, spool, pool, attempts, executor, extras, log, happened } = options;
  let saved: Promise<void> = Promise.resolve();
  async function store(effect: Exclude<AttemptEffect, { kind: 'start' | 'end' }>): Promise<void> {
    switch (effect.kind) {
      case 'journal': {
        const { attempt, hash, envelope } = effect.order;
        // While the command goes to the disk a runner can start.
        pool.warmUp();
        const refusal = await spool.accept({ ref: attempt, hash, payload: envelope }).then(() => undefined, refusalOf);
        return happened(refusal ? { kind: 'notJournaled', attempt, ...refusal } : { kind: 'journaled', attempt });
      }
      case 'bury':
        await spool.bury(effect.attempt);
        return happened({ kind: 'tombstoned', attempt: effect.attempt });
      case 'finish': {
        const held = await spool.finish(effect.attempt, toExit(effect.result));
        const result = fromExit(held, await attempts.logSizeOf(effect.attempt));
        return happened({ kind: 'exited', attempt: effect.attempt, result });
      }
      case 'settle':
        return spool.settle(effect.attempt);
    }
  }
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
    ask(effect) {
      if (effect.kind === 'start') return executor.start(effect.attempt);
      if (effect.kind === 'end') return executor.end(effect.attempt, effect);
      void store(effect).catch((error: unknown) => this.failed(error, effect.kind));
    },
    alert: (message, attempt) => log.error({ ...attempt }, message),
    failed: (error, effect) => log.error({ err: error, effect }, 'The agent could not keep its journal'),
  };
}

function refusalOf(error: unknown): { readonly reason: Refusal; readonly message: string } {
  if (error instanceof SpoolFullError) return { reason: 'SPOOL_FULL', message: error.message };
  // Set aside as damaged, or a name that could leave the spool: never taken.
  if (error instanceof AttemptKnownError || error instanceof InvalidAttemptError) {
    return { reason: 'AGENT_STATE_LOST', message: error.message };
  }
  throw error;
}
