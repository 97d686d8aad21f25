import type { NumberedEvent } from './events.ts';

/** A row of the outbox. */
export interface Run extends Omit<NumberedEvent, 'id' | 'payload'> {
  /** Of its last event. */
  readonly id: number;
  readonly firstId: number;
  /** Fields that all payloads have alike: of the tasks of a job that is most of what there is to say. */
  readonly common: object | null;
  /** Each without those. */
  readonly payloads: readonly object[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Most events in a row: who reads the outbox from the middle of a row reads the rest of it too. */
const MOST = 100;

/** Events one after the other that differ in their payloads only: most of a commit are of the tasks of one cluster. */
export function runsOf(events: readonly NumberedEvent[]): readonly Run[] {
  const runs: Run[] = [];
  for (let first = 0, end: number; first < events.length; first = end) {
    end = first + 1;
    while (end < events.length && end - first < MOST && goesOn(events[end - 1]!, events[end]!)) end++;
    runs.push(runOf(events.slice(first, end)));
  }
  return runs;
}

function goesOn(before: NumberedEvent, { id, topic, clusterId }: NumberedEvent): boolean {
  return before.topic === topic && before.clusterId === clusterId && before.id + 1 === id;
}

function runOf(events: readonly NumberedEvent[]): Run {
  const [{ id: firstId, topic, clusterId, at }, { id }] = [events[0]!, events.at(-1)!];
  const payloads = events.map(({ payload }) => payload as Fields);
  const alike = namesAlike(payloads);
  const run = { id, firstId, topic, clusterId, at };
  if (alike.length === 0) return { ...run, common: null, payloads };
  const rest = (names: readonly string[]) => names.filter((name) => !alike.includes(name));
  return {
    ...run,
    common: only(payloads[0]!, alike),
    payloads: payloads.map((payload) => only(payload, rest(Object.keys(payload)))),
  };
}

/** Names of plain values that no payload lacks or says otherwise. */
function namesAlike([first, ...others]: readonly Fields[]): readonly string[] {
  if (first === undefined || others.length === 0) return [];
  return Object.keys(first).filter((name) => {
    const value = first[name];
    return typeof value !== 'object' && others.every((payload) => payload[name] === value);
  });
}

function only(fields: Fields, names: readonly string[]): Fields {
  const some: Record<string, unknown> = {};
  for (const name of names) some[name] = fields[name];
  return some;
}
