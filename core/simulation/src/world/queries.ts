import { isTerminal } from '@stackyard/domain';
import { type KnownAttempt, loadedJob } from '@stackyard/server/engine';
import type { HostRow, JobRow, Tables } from './rows.ts';

/** Hosts as their sessions start from them: one, or all. */
export function hostRecords(hostId: string | undefined) {
  return ({ hosts }: Tables) =>
    [...hosts.values()].filter(({ id }) => hostId === undefined || id === hostId).map(toRecord);
}

function toRecord({ id: hostId, name, clusterId, sessionNo, journalId, hostBootId, connected }: HostRow) {
  const session = { sessionNo, journalId: journalId ?? undefined, hostBootId: hostBootId ?? undefined };
  return { hostId, name, clusterId, connected, ...session };
}

/** Jobs that are not terminal, oldest first. */
export function waitingJobs({ jobs }: Tables): JobRow[] {
  const waiting = [...jobs.values()].filter(({ state }) => !isTerminal(state));
  return waiting.toSorted((left, right) => left.position - right.position);
}

/** A copy, because the engine keeps the rows of what runs and changes them. */
export function jobOf(jobId: string) {
  return ({ jobs, tasks, attempts }: Tables) => {
    const row = jobs.get(jobId);
    if (!row || isTerminal(row.state)) return { job: undefined };
    const ofJob = [...tasks.values()].filter((task) => task.jobId === jobId);
    const sorted = ofJob.map((task) => ({ ...task })).toSorted((left, right) => left.node - right.node);
    const tries = [...attempts.values()].filter((attempt) => attempt.jobId === jobId);
    return { job: loadedJob({ ...row }, sorted, tries) };
  };
}

const uncertain: ReadonlySet<unknown> = new Set<unknown>(['LOST', 'HOST_REBOOTED', 'AGENT_STATE_LOST']);

/** What the database says of attempts that are not in memory. */
export function knownAttempts(hostId: string, ids: readonly string[]) {
  return ({ attempts }: Tables): Map<string, KnownAttempt> => {
    const known = new Map<string, KnownAttempt>();
    for (const id of ids) {
      const row = attempts.get(id);
      if (row?.hostId !== hostId) continue;
      const state = row.state === 'PENDING' ? 'PENDING' : uncertain.has(row.reason) ? 'GIVEN_UP' : 'ENDED';
      known.set(id, { row: state, jobId: row.jobId });
    }
    return known;
  };
}
