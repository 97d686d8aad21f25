import type { AttemptResult, HelloMessage } from '../sessions/messages.ts';
import type { Change, NewEvent } from '../writer/changes.ts';

/** A session began: who and where the agent is from now on. */
export function sessionChange(hostId: string, sessionNo: number, hello: HelloMessage): Change {
  const { journalId, hostBootId, agentBootId, agentVersion, place } = hello;
  const { address = '', bind = '', root = '', local = false } = place ?? {};
  const session = { sessionNo, journalId, hostBootId, agentBootId, agentVersion, address, bind, root, local };
  return { hosts: [{ id: hostId, session, ...(place ? { facts: place.facts } : {}) }] };
}

/** A host came or went; `isNews` when it was not so before. */
export function presenceChange(
  host: { readonly id: string; readonly name: string; readonly clusterId: string | undefined },
  change: 'connected' | 'disconnected',
  { isNews, now }: { readonly isNews: boolean; readonly now: Date },
): Change {
  const { id, name, clusterId } = host;
  const payload = { kind: 'host', hostId: id, name, change } as const;
  return {
    hosts: [{ id, connected: change === 'connected', lastSeenAt: now }],
    events: isNews ? [{ topic: 'host', clusterId, payload }] : [],
  };
}

/** A result that came too late: kept beside the terminal state. */
export function lateChange(attemptId: string, { reason, message, exitCode }: AttemptResult, now: Date): Change {
  const said = { ...(reason === undefined ? {} : { reason }), ...(message === '' ? {} : { message }) };
  return { late: [{ id: attemptId, late: { ...said, exitCode, at: now.toISOString() } }] };
}

/** Longest id of an attempt; what agents say may be longer. */
const ID_LIMIT = 60;

/** An attempt that the server has no row of runs on a host, or ended there. */
export function orphanEvent(
  host: { readonly id: string; readonly name: string; readonly clusterId: string | undefined },
  attemptId: string,
  result: AttemptResult | undefined,
): NewEvent {
  const { id: hostId, name, clusterId } = host;
  const ended = result && {
    exitCode: result.exitCode,
    ...(result.reason === undefined ? {} : { reason: result.reason }),
  };
  const attempt = attemptId.slice(0, ID_LIMIT);
  return { topic: 'host', clusterId, payload: { kind: 'orphan', hostId, name, attempt, ...(ended ? { ended } : {}) } };
}
