import type { Logger } from 'pino';
import type { ControlConnection } from '../connection/control.ts';
import type { SessionWorld } from '../session/driver.ts';
import type { Fence } from '../session/state.ts';
import { type AttemptRef, type Attempts, monotonicMs, writeDurably } from '../spool/index.ts';
import { type Extras, toWire } from '../wire.ts';

export interface AgentWorldOptions {
  readonly fenceFile: string;
  readonly connection: ControlConnection;
  readonly attempts: Attempts;
  /** A result is asked for that was acknowledged: its log may be missed too. */
  readonly recalled: (attempt: AttemptRef) => void;
  readonly extras: Extras;
  readonly log: Logger;
}

/** The session's world on a real host: the control stream, the journal on disk, runner processes. */
export function agentWorld({
  fenceFile,
  connection,
  attempts,
  recalled,
  extras,
  log,
}: AgentWorldOptions): SessionWorld {
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
      saved = saved.catch(() => undefined).then(() => writeDurably(fenceFile, JSON.stringify(fence)));
      return saved;
    },
    async recall(attempt) {
      const kept = await attempts.recall(attempt);
      if (kept) recalled(attempt);
      return kept;
    },
    ask: (effect) => attempts.ask(effect),
    alert: (message, attempt) => log.error({ ...attempt }, message),
    failed: (error, effect) => log.error({ err: error, effect }, 'The agent could not keep its journal'),
  };
}
