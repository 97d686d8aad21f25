import { decodeEnvelope, type Envelope__Output } from '@stackyard/proto';
import type { session } from '@stackyard/agent';

/** How simulated agents carry out tasks. */
export interface FakeExecution {
  /** How long each task takes, in milliseconds; 0 ends it in the next turn of the event loop. */
  readonly durationMs: number;
  /** Every n-th task of an agent fails. */
  readonly failEvery?: number | undefined;
  /** Phases that take another time. */
  readonly phases?: Readonly<Record<string, number>> | undefined;
}

/** What a simulated task comes to: a configure phase says that it wrote exactly what was expected. */
export function fakeResult(
  envelope: Envelope__Output,
  {
    count,
    failEvery,
    startedAtMs,
  }: { readonly count: number; readonly failEvery: number | undefined; readonly startedAtMs: number },
): session.AttemptResult {
  const fails = failEvery !== undefined && failEvery > 0 && count % failEvery === 0;
  return {
    ...(fails ? { reason: 'EXIT_NONZERO' as const } : {}),
    message: fails ? `Task ${count} of this simulated agent fails by its configuration.` : '',
    exitCode: fails ? 1 : 0,
    signal: '',
    startedAtMs,
    durationMs: Date.now() - startedAtMs,
    logSize: 0,
    outputs: {},
    applied: envelope.phase === 'configure' && !fails ? envelope.expectedFiles : {},
  };
}

/** How long a task takes. */
export function durationOf(envelope: Envelope__Output, { durationMs, phases }: FakeExecution): number {
  return phases?.[envelope.phase] ?? durationMs;
}

export { decodeEnvelope };
