import type { NumberedEvent } from './events.ts';

/** A row of the outbox. */
export interface Run extends Omit<NumberedEvent, 'id' | 'payload'> {
  /** Of its last event. */
  id: number;
  readonly firstId: number;
  readonly payloads: NumberedEvent['payload'][];
}

/** Most events in a row: who reads the outbox from the middle of a row reads the rest of it too. */
const MOST = 100;

/** Events one after the other that differ in their payloads only: most of a commit are of the tasks of one cluster. */
export function runsOf(events: readonly NumberedEvent[]): readonly Run[] {
  const runs: Run[] = [];
  let run: Run | undefined;
  for (const { id, topic, clusterId, at, payload } of events) {
    if (run?.topic !== topic || run.clusterId !== clusterId || run.id + 1 !== id || run.payloads.length === MOST) {
      run = { id, firstId: id, topic, clusterId, at, payloads: [] };
      runs.push(run);
    }
    run.id = id;
    run.payloads.push(payload);
  }
  return runs;
}
