import type { AgentSays, AttemptRef } from './messages.ts';
import type { Effect, Fence, Kept, SessionEvent, SessionState, Timer } from './state.ts';
import { step } from './step.ts';

/** An event without its time; a union distributes. */
export type Happening = SessionEvent extends infer E ? (E extends SessionEvent ? Omit<E, 'now'> : never) : never;

/** What a session asks about attempts: of the journal, of runners. Each is answered by an event. */
export type AttemptEffect = Extract<Effect, { kind: 'journal' | 'bury' | 'start' | 'finish' | 'end' | 'settle' }>;

/** The world of a session. A fleet has one in memory, an agent one with a disk, a network and processes. */
export interface SessionWorld {
  /** A monotonic clock in milliseconds. */
  now(): number;
  send(stream: number, message: AgentSays): void;
  close(stream: number, reason: string, retryAfterMs: number): void;
  /** Resolves when it is on disk. */
  saveFence(fence: Fence): Promise<void>;
  /** A result that was acknowledged, while it is kept. */
  recall(attempt: AttemptRef): Promise<Kept | undefined>;
  /** The driver is told what comes of it. */
  ask(effect: AttemptEffect): void;
  alert(message: string, attempt?: AttemptRef): void;
  /** An effect failed in a way that has no event: the disk refuses to work. */
  failed(error: unknown, effect: Effect['kind']): void;
}

/** Runs the pure session in a world: events go in one after the other, effects are carried out. */
export class SessionDriver {
  readonly #world: SessionWorld;
  readonly #timers = new Map<Timer, NodeJS.Timeout>();
  readonly #queue: Happening[] = [];
  #state: SessionState;
  #busy = false;
  #stopped = false;

  constructor(state: SessionState, world: SessionWorld) {
    this.#state = state;
    this.#world = world;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Something happened. Effects that cause events at once see them handled after this one. */
  happened(event: Happening): void {
    this.#queue.push(event);
    if (this.#busy || this.#stopped) return;
    this.#busy = true;
    try {
      for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
        const [state, effects] = step(this.#state, { ...next, now: this.#world.now() });
        this.#state = state;
        for (const effect of effects) this.#carryOut(effect);
      }
    } finally {
      this.#busy = false;
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #carryOut(effect: Effect): void {
    const world = this.#world;
    switch (effect.kind) {
      case 'send':
        return world.send(effect.stream, effect.message);
      case 'close':
        return world.close(effect.stream, effect.reason, effect.retryAfterMs ?? 0);
      case 'schedule':
        return this.#schedule(effect.timer, effect.afterMs * (1 + effect.jitter * (Math.random() * 2 - 1)));
      case 'alert':
        return world.alert(effect.message, effect.attempt);
      case 'saveFence':
        void world.saveFence(effect.fence).then(
          () => this.happened({ kind: 'fenceSaved', fence: effect.fence }),
          (error: unknown) => world.failed(error, effect.kind),
        );
        return;
      case 'recall': {
        const { attempt } = effect;
        void world.recall(attempt).then(
          (kept) => this.happened({ kind: 'recalled', attempt, kept }),
          (error: unknown) => world.failed(error, effect.kind),
        );
        return;
      }
      case 'journal':
      case 'bury':
      case 'start':
      case 'finish':
      case 'end':
      case 'settle':
        return world.ask(effect);
    }
  }

  #schedule(timer: Timer, afterMs: number): void {
    clearTimeout(this.#timers.get(timer));
    // A timer may fire a little early; a deadline that has not come would be scheduled again at once.
    const delayMs = Math.min(Math.ceil(afterMs) + 1, 2 ** 31 - 1);
    this.#timers.set(
      timer,
      setTimeout(() => this.happened({ kind: 'timer', timer }), delayMs),
    );
  }
}
