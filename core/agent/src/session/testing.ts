import { createHash } from 'node:crypto';
import type { AgentSays, AttemptRef, AttemptResult, Order, ServerSays } from './messages.ts';
import { newSession } from './restore.ts';
import type { Effect, SessionState } from './state.ts';
import { step } from './step.ts';
import type { Happening } from './driver.ts';

export const welcome = {
  kind: 'welcome',
  installId: 'install',
  epoch: 7,
  sessionNo: 1,
  heartbeatMs: 5_000,
  leaseMs: 30_000,
} as const;

/** A session to talk to in tests: events in, effects out, the clock in hand. */
export class Conversation {
  state: SessionState;
  now = 0;
  stream = 1;

  constructor(state: SessionState = newSession('install')) {
    this.state = state;
  }

  happen(event: Happening): readonly Effect[] {
    const [state, effects] = step(this.state, { ...event, now: this.now });
    this.state = state;
    return effects;
  }

  hear(message: ServerSays): readonly Effect[] {
    return this.happen({ kind: 'received', stream: this.stream, message });
  }

  /** Connects, is welcomed, has the fence on disk and a lease. */
  greeted(changes: Partial<typeof welcome> = {}): this {
    this.happen({ kind: 'connected', stream: this.stream });
    const said = { ...welcome, ...changes };
    this.hear(said);
    this.happen({ kind: 'fenceSaved', fence: { installId: said.installId, epoch: said.epoch } });
    this.hear({ kind: 'heartbeatAck', n: 1, leaseMs: said.leaseMs, heartbeatMs: 0 });
    return this;
  }

  /** Journals an order and lets it start. */
  accepted(given: Order): readonly Effect[] {
    this.hear({ kind: 'dispatch', ...given });
    return this.happen({ kind: 'journaled', attempt: given.attempt });
  }
}

export function order(attempt: AttemptRef, terms: Partial<Order['terms']> = {}): Order {
  const envelope = Buffer.from(JSON.stringify(attempt));
  return {
    attempt,
    envelope,
    hash: createHash('sha256').update(envelope).digest('hex'),
    terms: { ...attempt, timeoutMs: 60_000, killGraceMs: 1_000, startWithinMs: 60_000, ...terms },
  };
}

export const done: AttemptResult = {
  message: '',
  exitCode: 0,
  signal: '',
  startedAtMs: 1,
  durationMs: 2,
  logSize: 3,
  outputs: {},
  applied: {},
};

export function said(effects: readonly Effect[]): AgentSays[] {
  return effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []));
}

export function kinds(effects: readonly Effect[]): string[] {
  return effects.map((effect) => (effect.kind === 'send' ? effect.message.kind : effect.kind));
}
