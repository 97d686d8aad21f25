import type { Duration, Failure, FakeExecution, Mishap } from '@stackyard/fleet';
import { LifecyclePhase } from '@stackyard/sdk/manifest';
import { UsageError } from '../errors.ts';

const PHASES: readonly string[] = LifecyclePhase.options;
const UNITS_MS: Readonly<Record<string, number>> = { '': 1, ms: 1, s: 1000, m: 60_000 };
const MISHAPS: readonly Mishap[] = ['fail', 'hang', 'lost'];

/** `200ms`, `start=1s..3s,check=~200ms,50ms`: what has no phase is meant for all others. @throws UsageError */
export function parseDurations(text: string): Pick<FakeExecution, 'duration' | 'phases'> {
  const phases: Record<string, Duration> = {};
  let duration: Duration = { kind: 'fixed', ms: 0 };
  for (const { phase, value } of parts(text, '--durations')) {
    if (phase === undefined) duration = durationOf(value);
    else phases[phase] = durationOf(value);
  }
  return { duration, phases };
}

/** `1/50`, `start=2%`, `check=hang:0.1%,lost:1/1000`: how many tasks go wrong, and how. @throws UsageError */
export function parseFailures(text: string): readonly Failure[] {
  return parts(text, '--failures').map(({ phase, value }) => {
    const [, named = 'fail', amount = ''] = /^(?:([a-z]+):)?(.*)$/.exec(value) ?? [];
    const how = MISHAPS.find((each) => each === named);
    const every = /^1\/(\d{1,9})$/.exec(amount)?.[1];
    const percent = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(amount)?.[1];
    const often = every === undefined ? { rate: Number(percent) / 100 } : { every: Number(every) };
    if (!how || !((often.rate ?? 0) <= 1) || often.every === 0)
      throw new UsageError(
        `--failures ${value}: use one task in so many, such as 1/50, or a part of them, such as 2%, and before it fail:, hang: or lost:.`,
      );
    return { how, phase, ...often };
  });
}

function durationOf(text: string): Duration {
  if (text.startsWith('~')) return { kind: 'around', meanMs: msOf(text.slice(1), text) };
  const [from = '', to, more] = text.split('..');
  if (to === undefined) return { kind: 'fixed', ms: msOf(from, text) };
  const range = { kind: 'range', fromMs: msOf(from, text), toMs: msOf(to, text) } as const;
  if (more !== undefined || range.toMs < range.fromMs) throw noDuration(text);
  return range;
}

function msOf(text: string, whole: string): number {
  const [, number, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m)?$/.exec(text) ?? [];
  if (number === undefined) throw noDuration(whole);
  return Math.round(Number(number) * UNITS_MS[unit]!);
}

function noDuration(text: string): UsageError {
  return new UsageError(
    `--durations ${text}: use a time such as 200ms or 2s, a range such as 1s..3s, or a mean such as ~200ms.`,
  );
}

function parts(
  text: string,
  option: string,
): readonly { readonly phase: string | undefined; readonly value: string }[] {
  return text.split(',').map((part) => {
    const [, phase, value = ''] = /^(?:([^=]*)=)?(.*)$/.exec(part.trim()) ?? [];
    if (phase !== undefined && !PHASES.includes(phase))
      throw new UsageError(`${option} ${part}: there is no phase ${phase}. There are: ${PHASES.join(', ')}.`);
    return { phase, value };
  });
}
