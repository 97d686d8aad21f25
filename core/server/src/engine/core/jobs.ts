import { isTerminal } from '@stackyard/domain';
import type { SchedulerEffect, SchedulerEvent } from '../scheduler/state.ts';
import { withdraw } from './attemptRows.ts';
import { become, forgetAttempt, hasBeenIssued, issueAttempt } from './attempts.ts';
import type { Happening } from './events.ts';
import { type LoadedJob, loadedJob, pendingAttempt } from './job.ts';
import { servicesRemoved } from './results.ts';
import { afterwards, forgetEnvelope, type Turn } from './turn.ts';

export function queued(turn: Turn, event: Extract<SchedulerEvent, { kind: 'queued' }>): void {
  // Read from rows before its end was committed: it would run as a job that nobody ends, and hold up its cluster.
  if (!turn.state.ending.has(event.jobId)) turn.schedule(event);
}

/** A job is in the queue and its rows are here: it is not read when its turn is now. */
export function stored(turn: Turn, { row, tasks, issued = [] }: Extract<Happening, { kind: 'stored' }>): void {
  const { id: jobId, clusterId, position } = row;
  queued(turn, { kind: 'queued', jobId, clusterId, position });
  const asked = turn.effects.findIndex((effect) => effect.kind === 'load' && effect.jobId === jobId);
  if (asked < 0) return;
  turn.effects.splice(asked, 1);
  for (const { attempt, envelope } of issued) {
    turn.state.envelopes.set(attempt.id, { hash: envelope.hash, values: envelope.values });
  }
  const attempts = issued.map(({ attempt }) => attempt);
  const job = loadedJob(row, tasks, attempts);
  loaded(turn, job);
  if (issued.length === 0) return;
  // Durable as it is; only those who listen have not heard of it.
  const nodes = new Map(job.attempts.map(({ id }, node) => [id, node]));
  for (const { id } of attempts) turn.decision.task(job, nodes.get(id)!, { lazy: true });
  turn.decision.job(job, { lazy: true });
}

/** The rows of a job are here. */
export function loaded(turn: Turn, job: LoadedJob): void {
  const { state } = turn;
  const { id } = job.row;
  if (state.jobs.has(id)) return;
  state.jobs.set(id, job);
  const running: string[] = [];
  job.attempts.forEach((attempt, node) => {
    if (isTerminal(attempt.state)) return;
    state.places.set(attempt.id, { job, node });
    if (attempt.state !== 'RUNNING') return;
    running.push(attempt.id);
    if (attempt.dispatch === 'STARTED') state.startedMs.set(attempt.id, turn.now);
  });
  const held = job.attempts.flatMap(({ id: attemptId, hostId, state: now }, node) =>
    now === 'PENDING' && state.sessions.hosts.get(hostId)?.held.has(attemptId) ? [node] : [],
  );
  turn.schedule({ kind: 'loaded', job: job.input, held });
  // Its turn has not come: it is read again when it has.
  if (!state.scheduler.jobs.has(id) && state.jobs.get(id) === job) return release(turn, job);
  for (const attemptId of running) hasBeenIssued(turn, attemptId);
}

/** Carries out what the scheduler decided about a job whose rows are here. */
export function carryOut(turn: Turn, effect: SchedulerEffect): void {
  if (effect.kind === 'load') {
    turn.effects.push(effect);
    return;
  }
  const job = turn.state.jobs.get(effect.jobId);
  if (!job) return;
  switch (effect.kind) {
    case 'prepare': {
      const attemptId = job.attempts[effect.task]!.id;
      turn.effects.push({ kind: 'prepare', attemptId, place: { job, node: effect.task } });
      return;
    }
    case 'abandon': {
      const attemptId = job.attempts[effect.task]!.id;
      turn.state.envelopes.delete(attemptId);
      turn.effects.push({ kind: 'abandon', attemptId });
      return;
    }
    case 'issue':
      issueAttempt(turn, job, effect.task);
      return;
    case 'stop': {
      const { hostId, id } = job.attempts[effect.task]!;
      afterwards(turn, { kind: 'stop', hostId, attemptId: id });
      return;
    }
    case 'withdraw': {
      const attempt = job.attempts[effect.task]!;
      turn.state.places.delete(attempt.id);
      forgetEnvelope(turn, attempt.id);
      become(turn, job, effect.task, withdraw(attempt, effect.state, effect.reason, turn.at));
      return;
    }
    case 'renew': {
      const attempt = pendingAttempt(job.tasks[effect.task]!, effect.attempt);
      turn.state.places.set(attempt.id, { job, node: effect.task });
      become(turn, job, effect.task, attempt);
      return;
    }
    case 'job':
      jobChanged(turn, job, effect);
      return;
    case 'release':
      release(turn, job);
      turn.state.ending.set(job.row.id, job.row.clusterId);
      afterwards(turn, { kind: 'over', job: job.row });
      turn.effects.push({
        kind: 'log',
        level: 'info',
        sentence: 'Job finished',
        fields: { jobId: job.row.id, state: job.row.state },
      });
      return;
  }
}

function jobChanged(turn: Turn, job: LoadedJob, effect: Extract<SchedulerEffect, { kind: 'job' }>): void {
  const { row } = job;
  row.state = effect.state;
  row.counts = effect.counts;
  row.reason = effect.reason ?? null;
  row.pause = effect.pause ?? null;
  if (effect.state !== 'PENDING') row.startedAt ??= turn.at;
  row.finishedAt = isTerminal(effect.state) ? turn.at : null;
  row.cancelRequested ||= effect.cancelRequested;
  if (effect.state === 'SUCCESSFUL') turn.decision.add({ events: servicesRemoved(row) });
  turn.decision.job(job);
}

function release(turn: Turn, job: LoadedJob): void {
  const { id, state } = job.row;
  turn.state.jobs.delete(id);
  for (const attempt of job.attempts) if (turn.state.places.has(attempt.id)) forgetAttempt(turn, attempt.id);
  turn.effects.push({ kind: 'release', jobId: id, state });
}
