import type { Json } from '@stackyard/sdk/manifest';
import { PhaseError } from '../errors.ts';

/** Bytes of JSON; all outputs of a task together may have 64 KiB. */
const KEPT_BYTES = 48 * 1024;

/**
 * What an action gave back, as outputs of its task. A result that is too long to be kept goes to the task's log: the
 * action was done, and saying that it failed would have it done again.
 * @throws PhaseError for what is no JSON
 */
export function resultOutputs(action: string, given: Json | void, log: (line: string) => void): Record<string, string> {
  if (given === undefined) return {};
  const text = toJson(action, given);
  const bytes = Buffer.byteLength(text);
  if (bytes <= KEPT_BYTES) return { result: text };
  log(text);
  const sentence = `The result of ${action} has ${bytes} bytes; ${KEPT_BYTES} are kept. All of it is in the task's log.`;
  log(sentence);
  return { resultNote: sentence };
}

function toJson(action: string, given: Json): string {
  try {
    const text = JSON.stringify(given) as string | undefined;
    if (text !== undefined) return text;
  } catch {
    // said below
  }
  throw new PhaseError(
    `${action} was done, but what it gave back is no JSON. Its function has to give back plain data, or nothing.`,
  );
}
