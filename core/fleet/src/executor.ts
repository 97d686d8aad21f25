import type { session } from '@stackyard/agent';
import { type EnvelopeTerms__Output, fromValueMap } from '@stackyard/proto';
import type { Random } from './random.ts';

/** How long a task takes, in milliseconds; nothing ends it in the next turn of the event loop. */
export type Duration =
  | { readonly kind: 'fixed'; readonly ms: number }
  /** Anything between. */
  | { readonly kind: 'range'; readonly fromMs: number; readonly toMs: number }
  /** Mostly short and now and then long, as waiting for a product is: exponential with this mean. */
  | { readonly kind: 'around'; readonly meanMs: number };

/** What goes wrong: it fails, never ends by itself, or its process is gone without a result. */
export type Mishap = 'fail' | 'hang' | 'lost';

/** When it goes wrong: every n-th task of an agent, or one at random with this probability. */
export interface Failure {
  readonly how: Mishap;
  /** Only tasks of this phase; all of them without it. */
  readonly phase?: string | undefined;
  readonly every?: number | undefined;
  readonly rate?: number | undefined;
}

/** How simulated agents carry out tasks. */
export interface FakeExecution {
  readonly duration: Duration;
  /** Phases that take another time. */
  readonly phases?: Readonly<Record<string, Duration>> | undefined;
  /** The first that applies. */
  readonly failures?: readonly Failure[] | undefined;
  /** Lines of output that every task writes; none unless told. */
  readonly lines?: number | undefined;
}

/** What is to happen to one task. */
export interface Fate {
  readonly durationMs: number;
  readonly mishap: Mishap | undefined;
}

/** Decides over a task when it starts. `counts` are tasks of this agent by phase and, under `''`, in all; this one is counted. */
export function fateOf(
  phase: string,
  { duration, phases, failures = [] }: FakeExecution,
  { counts, random }: { readonly counts: ReadonlyMap<string, number>; readonly random: Random },
): Fate {
  const applies = (failure: Failure): boolean => {
    if (failure.phase !== undefined && failure.phase !== phase) return false;
    if (failure.every !== undefined) return (counts.get(failure.phase ?? '') ?? 0) % failure.every === 0;
    return random() < (failure.rate ?? 0);
  };
  const mishap = failures.find(applies)?.how;
  return { durationMs: lastsMs(phases?.[phase] ?? duration, random), mishap };
}

function lastsMs(duration: Duration, random: Random): number {
  switch (duration.kind) {
    case 'fixed':
      return duration.ms;
    case 'range':
      return Math.round(duration.fromMs + random() * (duration.toMs - duration.fromMs));
    case 'around':
      return Math.round(-Math.log(1 - random()) * duration.meanMs);
  }
}

const outcomes: Readonly<
  Record<'success' | 'fail' | 'lost', Pick<session.AttemptResult, 'reason' | 'message' | 'exitCode'>>
> = {
  success: { message: '', exitCode: 0 },
  fail: {
    reason: 'EXIT_NONZERO',
    message: 'This task of a simulated agent fails because it was told to.',
    exitCode: 1,
  },
  lost: {
    reason: 'LOST',
    message: 'The process of this task of a simulated agent is gone because it was told to.',
    exitCode: 0,
  },
};

/** What a task came to: a configure phase says that it wrote exactly what was expected. */
export function fakeResult(
  { phase, expectedFiles, action, self }: Pick<EnvelopeTerms__Output, 'phase' | 'expectedFiles' | 'action' | 'self'>,
  how: keyof typeof outcomes,
  { startedAtMs, logSize }: { readonly startedAtMs: number; readonly logSize: number },
): session.AttemptResult {
  return {
    ...outcomes[how],
    signal: '',
    startedAtMs,
    durationMs: Date.now() - startedAtMs,
    logSize,
    outputs: action && how === 'success' ? { result: resultOf(action, self?.host ?? '') } : {},
    applied: phase === 'configure' && how === 'success' ? expectedFiles : {},
  };
}

/** An action gives back what it was asked, for nothing else is known of it here. */
function resultOf({ name, input }: NonNullable<EnvelopeTerms__Output['action']>, host: string): string {
  return JSON.stringify({ simulated: name, host, input: fromValueMap(input ?? undefined) });
}
