import { REASONS, type Reason } from '@stackyard/domain';
import { keptBytes } from '../logs/kept.ts';
import type { AttemptResult } from '../session/messages.ts';
import type { ExitRecord } from './records.ts';

const MAX_MESSAGE = 8 * 1024;
/** What the wire carries of outputs and applied files in all. */
const MAX_OUTPUT_BYTES = 64 * 1024;

/** A result as the journal keeps it. */
export function toExit({ reason, message, exitCode, signal, startedAtMs, durationMs }: AttemptResult): ExitRecord {
  return { reason, message, exitCode, signal, startedAt: startedAtMs, durationMs };
}

/** A result as the server is told it. `written` is the size of its output, unless the result itself says how much it was. */
export function fromExit(exit: ExitRecord, written: number): AttemptResult {
  const { outputs, applied } = outputOf(exit.output);
  const { reason } = exit;
  return {
    reason: reason === undefined ? undefined : isReason(reason) ? reason : 'EXIT_NONZERO',
    message: (exit.message ?? '').slice(0, MAX_MESSAGE),
    exitCode: exit.exitCode ?? 0,
    signal: exit.signal ?? '',
    startedAtMs: exit.startedAt,
    durationMs: Math.round(exit.durationMs),
    logSize: keptBytes(exit.logSize ?? written),
    outputs,
    applied,
  };
}

function isReason(text: string): text is Reason {
  return (REASONS as readonly string[]).includes(text);
}

function outputOf(output: unknown): Pick<AttemptResult, 'outputs' | 'applied'> {
  const nothing = { outputs: {}, applied: {} };
  if (typeof output !== 'object' || output === null) return nothing;
  if (JSON.stringify(output).length > MAX_OUTPUT_BYTES * 4) return nothing;
  const { outputs = {}, applied = {} } = output as Partial<Pick<AttemptResult, 'outputs' | 'applied'>>;
  return { outputs, applied };
}
