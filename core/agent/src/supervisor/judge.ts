import type { Observed } from '@stackyard/domain';
import type { ComponentState } from '../processes/state.ts';
import type { Answer } from '../probes/probe.ts';

/** What probes said of the running process, newest first where it matters. */
export interface Probed {
  /** The process they were asked of. */
  readonly startTime: number;
  readonly ready: Answer;
  /** It was ready at least once since this process started. */
  readonly wasReady: boolean;
  readonly health: Readonly<Record<string, Answer>>;
  readonly role: string;
  /** How many rounds in a row something failed. */
  readonly failures: number;
}

export interface Judgement {
  readonly observed: Observed;
  readonly message: string;
}

/** A probe may fail once without meaning anything. */
const FAILURES = 2;

/**
 * What a component is, from what its keeper wrote and what probes found; pure.
 * `aliveMs` is how long the process has been seen alive.
 */
export function judge(
  state: ComponentState,
  probed: Probed | undefined,
  { aliveMs, readyMs }: { readonly aliveMs: number; readonly readyMs: number },
): Judgement {
  if (!state.alive) return notAlive(state);
  const known = probed && probed.startTime === state.process?.startTime ? probed : undefined;
  if (!known?.wasReady) {
    if (aliveMs <= readyMs)
      return { observed: 'STARTING', message: known ? known.ready.message : 'It was just started.' };
    return {
      observed: 'UNHEALTHY',
      message: `It was not ready within ${readyMs / 1000} s. ${known?.ready.message ?? ''}`.trim(),
    };
  }
  const failed = Object.entries({ ready: known.ready, ...known.health }).filter(([, { ok }]) => !ok);
  if (failed.length > 0 && known.failures >= FAILURES) {
    return { observed: 'UNHEALTHY', message: failed.map(([name, { message }]) => `${name}: ${message}`).join(' ') };
  }
  return { observed: 'RUNNING', message: '' };
}

function notAlive({ desired, lastExit, restarts }: ComponentState): Judgement {
  if (desired === 'stopped') return { observed: 'STOPPED', message: '' };
  if (!lastExit) return { observed: 'STARTING', message: 'Its process is being started.' };
  const how = lastExit.code === undefined ? 'ended' : `ended with exit code ${lastExit.code}`;
  const times = restarts > 1 ? ` It has ended ${restarts} times since it was started.` : '';
  return {
    observed: 'UNHEALTHY',
    message: `Its process ${how} after ${lastExit.ranSeconds} s and will be started again.${times}`,
  };
}
