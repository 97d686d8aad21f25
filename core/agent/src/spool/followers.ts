import { type FSWatcher, watch } from 'node:fs';
import type { ExecutorEffect, ExecutorHappening } from '../executor/state.ts';
import { isAlive } from '../processes/identity.ts';
import { type AttemptRef, attemptId } from './entry.ts';
import type { Spool } from './spool.ts';

export interface FollowersOptions {
  readonly spool: Spool;
  readonly happened: (happening: ExecutorHappening) => void;
}

const pollMs = 250;

/** Watches attempts whose runners another agent process started: by their files and their processes alone. */
export class Followers {
  readonly #options: FollowersOptions;
  readonly #stops = new Map<string, () => void>();

  constructor(options: FollowersOptions) {
    this.#options = options;
  }

  follow({ attempt, decision }: Extract<ExecutorEffect, { kind: 'follow' }>): void {
    const { spool, happened } = this.#options;
    const seen = (): void => happened({ kind: 'exitSeen', attempt });
    const timer = setInterval(() => !isAlive(decision, spool.bootId) && seen(), pollMs);
    const watcher = watchForExit(spool.pathOf(attempt), seen);
    this.#stops.set(attemptId(attempt), () => {
      clearInterval(timer);
      watcher?.close();
    });
    // It may have ended before it was watched.
    setImmediate(seen);
  }

  stop(ref: AttemptRef): void {
    this.#stops.get(attemptId(ref))?.();
    this.#stops.delete(attemptId(ref));
  }

  close(): void {
    for (const stop of this.#stops.values()) stop();
    this.#stops.clear();
  }
}

function watchForExit(dir: string, seen: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(dir, (_event, name) => name === 'exit' && seen());
    return watcher.on('error', () => watcher.close());
  } catch {
    return undefined; // the host is out of watches: the timer sees it a little later
  }
}
