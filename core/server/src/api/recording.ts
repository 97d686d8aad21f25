import { type Audited, auditRow } from '../access/audit.ts';
import type { KeptAnswer } from '../access/idempotencyStore.ts';
import type { StoredAnswer } from './idempotency.ts';

/** Rows that tell of a request and its answer. */
export interface Records {
  readonly answers: readonly KeptAnswer[];
  readonly audit: readonly ReturnType<typeof auditRow>[];
}

/**
 * What is written down about a request: its entry in the audit trail, and its answer under its Idempotency-Key. A handler
 * that can takes both into the transaction of what it does; for the others it is done after them.
 */
export class Recording {
  readonly #entry: Omit<Audited, 'status'>;
  readonly #key: string | undefined;
  #taken = false;

  constructor(entry: Omit<Audited, 'status'>, key: string | undefined) {
    this.#entry = entry;
    this.#key = key;
  }

  /** Whether the handler, if it has succeeded, has stored the rows. */
  get taken(): boolean {
    return this.#taken;
  }

  take(answer: StoredAnswer): Records {
    this.#taken = true;
    const { status, headers, body } = answer;
    return {
      answers:
        this.#key === undefined ? [] : [{ principal: this.#entry.principal, key: this.#key, status, headers, body }],
      audit: [auditRow({ ...this.#entry, status })],
    };
  }
}

const recordings = new WeakMap<object, Recording>();

export function keepRecording(request: object, recording: Recording): void {
  recordings.set(request, recording);
}

/** @param request what the handler was given */
export function recordingOf(request: object): Recording {
  const recording = recordings.get(request);
  if (!recording)
    throw new Error('What is written down about a request is asked for before the request is authorised.');
  return recording;
}
