import { isTerminal } from '@stackyard/domain';
import type { AttemptResult } from '../sessions/messages.ts';
import { failed, outcomes } from '../sessions/outcomes.ts';
import type { AttemptWrite } from '../writer/changes.ts';
import type { SessionEffect } from '../sessions/state.ts';
import { finish, followAttempt, issue, issuedOf, progress } from './attemptRows.ts';
import type { LoadedJob, Place } from './job.ts';
import { componentChange, unsureChange } from './results.ts';
import { afterwards, forgetEnvelope, type Turn } from './turn.ts';

/** Phases after which the agent has to watch something else. */
const changesWatch: ReadonlySet<string> = new Set(['install', 'configure', 'start', 'stop', 'remove']);

/** The agent journaled the attempt, or runs it. */
export function progressed(turn: Turn, attemptId: string, dispatch: 'ACCEPTED' | 'STARTED'): void {
  const { state, at, now } = turn;
  const place = state.places.get(attemptId);
  if (!place) return;
  const { job, node } = place;
  const next = progress(job.attempts[node]!, dispatch, { ...heard(turn, job.attempts[node]!), at });
  if (!next) return;
  job.attempts[node] = next;
  if (dispatch === 'STARTED') state.startedMs.set(attemptId, now);
  // Never sent again; only what `configure` was told to write is asked for once more.
  if (job.tasks[node]!.phase !== 'configure') forgetEnvelope(turn, attemptId);
  turn.decision.task(job, node, { lazy: true });
}

/** The attempt ended; `ackOn` is the stream of an agent that waits to hear that this is durable. */
export function end(turn: Turn, attemptId: string, result: AttemptResult, ackOn?: number): void {
  const { state } = turn;
  const awaited = state.awaited.get(attemptId);
  const place = state.places.get(attemptId);
  if (place && awaited?.kind === 'result') {
    // Its result is here already and counts; only who waits for the acknowledgement may have changed.
    if (ackOn !== undefined) state.awaited.set(attemptId, { ...awaited, ackOn });
    return;
  }
  const asksEnvelope = place?.job.tasks[place.node]!.phase === 'configure' && result.reason === undefined;
  if (place && asksEnvelope && !state.envelopes.has(attemptId)) {
    // Issued before a restart of the server: what it was told to write is built again.
    state.awaited.set(attemptId, { kind: 'result', result, ackOn });
    if (!awaited) turn.effects.push({ kind: 'prepare', attemptId, place });
    return;
  }
  if (ackOn !== undefined) afterwards(turn, { kind: 'acknowledge', stream: ackOn, attemptId });
  if (place) take(turn, place, result);
}

/** Writes down the end of an attempt, and what it makes of its host component and of the rest of the job. */
export function take(turn: Turn, { job, node }: Place, result: AttemptResult): void {
  const task = job.tasks[node]!;
  const before = job.attempts[node]!;
  const asked = { ...heard(turn, before), at: turn.at, canceled: job.row.cancelRequested };
  const next = finish(before, result, asked);
  if (!next || !isTerminal(next.state)) return;
  const { id, hostId, number, state, reason } = next;
  become(turn, job, node, next);
  if (state === 'SUCCESSFUL') {
    const built = turn.state.envelopes.get(id);
    // What was built anew may be another one than ran.
    const values = built && built.hash === next.envelopeHash ? built.values : undefined;
    turn.decision.add(componentChange({ job: job.row, task, result, values }));
    if (changesWatch.has(task.phase)) {
      const removed = task.phase === 'remove' ? task.hostComponentId : undefined;
      afterwards(turn, { kind: 'watch', hostId, removed });
    }
  } else turn.decision.add(unsureChange(job.row, task, next));
  forgetAttempt(turn, id);
  afterwards(turn, { kind: 'settled', hostId, attemptId: id });
  turn.schedule({ kind: 'ended', jobId: job.row.id, task: node, attempt: number, state, reason: reason ?? undefined });
}

/** Writes RUNNING/SENT; once that is durable it is sent. */
export function issueAttempt(turn: Turn, job: LoadedJob, node: number): void {
  const attempt = job.attempts[node]!;
  const { hostId, id } = attempt;
  const { link, sessionNo, journalId, held } = turn.state.sessions.hosts.get(hostId) ?? {};
  const has = held?.get(id);
  const envelopeHash = has?.hash ?? turn.state.envelopes.get(id)?.hash;
  if (!(link || has) || sessionNo === undefined || journalId === undefined || envelopeHash === undefined) {
    // Cannot be: the scheduler issues only to hosts that are up or have it, and only what was prepared or is there.
    const sentence = 'An attempt was issued without a session or an envelope';
    turn.effects.push({ kind: 'alert', hostId, sentence, attemptId: id });
    take(turn, { job, node }, failed('LOST', 'The agent went away while the task was being issued.'));
    return;
  }
  const { epoch } = turn.state.terms;
  const next = issue(attempt, { sessionNo, journalId, envelopeHash, epoch, issuedAt: turn.at });
  if (!next) return;
  become(turn, job, node, next);
  afterwards(turn, { kind: 'issued', hostId, attemptId: id });
}

/** An agent has what waits here. Until its job runs that is only remembered. */
export function isHeld(turn: Turn, { stream, id, jobId }: Extract<SessionEffect, { kind: 'held' }>): void {
  const { places, jobs, scheduler } = turn.state;
  const place = places.get(id);
  if (place) {
    const { state, number: attempt } = place.job.attempts[place.node]!;
    if (state === 'PENDING') turn.schedule({ kind: 'held', jobId, task: place.node, attempt });
  } else if (jobs.has(jobId) || !scheduler.clusterOf.has(jobId)) {
    // It was withdrawn while the database was asked about it.
    turn.effects.push({ kind: 'send', stream, message: { kind: 'cancel', id, cause: 'LOST' } });
  }
}

/** RUNNING/SENT is durable, or was when the rows were read: the sessions see to it from here. */
export function hasBeenIssued(turn: Turn, attemptId: string): void {
  const place = turn.state.places.get(attemptId);
  if (!place) return;
  const { hostId } = place.job.attempts[place.node]!;
  // It was removed while this was on its way to the database, or while no server ran.
  if (!turn.state.sessions.hosts.has(hostId)) end(turn, attemptId, outcomes.hostRemoved);
  else turn.converse({ kind: 'issued', hostId, attempt: issuedOf(place.job, place.node) });
}

/** The attempt, and the row of its task, which follows it. */
export function become(turn: Turn, job: LoadedJob, node: number, next: AttemptWrite): void {
  job.attempts[node] = next;
  if (isTerminal(next.state)) turn.state.ended[next.state] += 1;
  followAttempt(job, node);
  turn.decision.task(job, node);
}

export function forgetAttempt(turn: Turn, attemptId: string): void {
  const { places, awaited, startedMs, overdue } = turn.state;
  places.delete(attemptId);
  if (awaited.delete(attemptId)) turn.effects.push({ kind: 'abandon', attemptId });
  startedMs.delete(attemptId);
  overdue.delete(attemptId);
  forgetEnvelope(turn, attemptId);
}

/** The session in which the last word on an attempt was heard: a row never goes back to an older one. */
function heard(turn: Turn, { hostId, epoch, sessionNo }: AttemptWrite): Pick<AttemptWrite, 'epoch' | 'sessionNo'> {
  if (epoch === null) return { epoch, sessionNo };
  return { epoch: turn.state.terms.epoch, sessionNo: turn.state.sessions.hosts.get(hostId)?.sessionNo ?? sessionNo };
}
