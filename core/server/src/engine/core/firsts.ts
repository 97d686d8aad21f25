import { readyTasks } from '../scheduler/step.ts';
import type { AttemptWrite } from '../writer/changes.ts';
import { issue } from './attemptRows.ts';
import type { PreparedEnvelope } from './events.ts';
import type { LoadedJob } from './job.ts';
import type { EngineState } from './state.ts';

/**
 * First tasks of a job that is about to be stored, which its hosts would get at once: their agents are connected and have
 * room, and nothing of their cluster is known to be before them.
 */
export function firstTasks(state: EngineState, { row, input }: LoadedJob): readonly number[] {
  if (state.scheduler.queues.has(row.clusterId)) return [];
  const taken = new Map<string, number>();
  return readyTasks(input).filter((node) => {
    const { hostId } = input.tasks[node]!;
    const places = state.scheduler.hosts.get(hostId);
    const busy = (places?.busy ?? 0) + (taken.get(hostId) ?? 0);
    const hasRoom = places?.up === true && places.ready.length === 0 && busy < state.scheduler.tasksPerHost;
    if (!hasRoom || !state.sessions.hosts.get(hostId)?.link) return false;
    taken.set(hostId, (taken.get(hostId) ?? 0) + 1);
    return true;
  });
}

/** The row of a first attempt as issued in the present session of its host; undefined when that has none any more. */
export function issuedFirst(
  state: EngineState,
  attempt: AttemptWrite,
  { envelope, at }: { readonly envelope: PreparedEnvelope; readonly at: Date },
): AttemptWrite | undefined {
  const { link, sessionNo, journalId } = state.sessions.hosts.get(attempt.hostId) ?? {};
  if (!link || sessionNo === undefined || journalId === undefined) return undefined;
  const { epoch } = state.terms;
  return issue(attempt, { sessionNo, journalId, envelopeHash: envelope.hash, epoch, issuedAt: at });
}
