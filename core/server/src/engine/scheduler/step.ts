import { isTerminal, jobState, noTasks, type Reason, type State } from '@stackyard/domain';
import { completed, dependents, excused, forEachSuccessor, resume } from '@stackyard/planner';
import { gatesOf } from './gates.ts';
import {
  type HostPlaces,
  ISSUED,
  type JobInput,
  type JobRun,
  OVER,
  PREPARING,
  READY,
  type SchedulerEffect,
  type SchedulerEvent,
  type SchedulerState,
  WAITING,
} from './state.ts';

/** Reasons after which the outcome is unknown: only work that may safely be done again gets one more attempt by itself. */
const uncertain: ReadonlySet<Reason> = new Set<Reason>(['LOST', 'HOST_REBOOTED', 'AGENT_STATE_LOST']);

/** Whether an attempt that ended for this reason may be followed by one that nobody asked for. */
export function isUncertain(reason: Reason | null | undefined): boolean {
  return reason !== undefined && reason !== null && uncertain.has(reason);
}

/**
 * Decides what to run: strictly the oldest job of each cluster, its tasks as soon as all before them are SUCCESSFUL, so
 * many per host. Changes `state` in place, and depends on nothing else: the same events give the same effects.
 */
export function stepScheduler(state: SchedulerState, event: SchedulerEvent): readonly SchedulerEffect[] {
  const effects: SchedulerEffect[] = [];
  const step = new Step(state, effects);
  switch (event.kind) {
    case 'queued':
      step.queued(event.jobId, event.clusterId, event.position);
      break;
    case 'loaded':
      step.loaded(event.job, event.held);
      break;
    case 'held':
      step.held(event.jobId, event.task, event.attempt);
      break;
    case 'gone':
      step.forget(event.jobId);
      break;
    case 'hostUp':
      step.host(event.hostId).up = true;
      step.fill(event.hostId);
      break;
    case 'hostDown':
      step.host(event.hostId).up = false;
      break;
    case 'hostLost':
      step.hostLost(event.hostId);
      break;
    case 'prepared':
      step.prepared(event.jobId, event.task, event.attempt);
      break;
    case 'ended':
      step.ended(event);
      break;
    case 'cancel':
      step.cancel(event.jobId);
      break;
    case 'resume':
      step.resume(event.jobId);
      break;
  }
  step.settle();
  return effects;
}

class Step {
  readonly #state: SchedulerState;
  readonly #effects: SchedulerEffect[];
  readonly #touched = new Set<JobRun>();
  readonly #freed = new Set<string>();

  constructor(state: SchedulerState, effects: SchedulerEffect[]) {
    this.#state = state;
    this.#effects = effects;
  }

  host(hostId: string): HostPlaces {
    let places = this.#state.hosts.get(hostId);
    if (!places) {
      places = { up: false, busy: 0, ready: [] };
      this.#state.hosts.set(hostId, places);
    }
    return places;
  }

  queued(jobId: string, clusterId: string, position: number): void {
    const queue = this.#state.queues.get(clusterId) ?? { jobs: [] };
    const first = queue.jobs[0]?.id;
    if (this.#state.clusterOf.has(jobId)) {
      // Retried since its rows were read for the queue: it is behind those that came meanwhile.
      const at = queue.jobs.findIndex((job) => job.id === jobId && job.position < position);
      if (at < 0 || this.#state.jobs.has(jobId)) return;
      queue.jobs.splice(at, 1);
    }
    this.#state.clusterOf.set(jobId, clusterId);
    this.#state.queues.set(clusterId, queue);
    const before = queue.jobs.findLastIndex((job) => job.position < position);
    // The running job stays first: whatever comes later joins behind it.
    const running = queue.jobs[0] !== undefined && this.#state.jobs.get(queue.jobs[0].id)?.started === true;
    queue.jobs.splice(Math.max(before + 1, running ? 1 : 0), 0, { id: jobId, position });
    const next = queue.jobs[0]!.id;
    if (next === jobId || next !== first) this.#effects.push({ kind: 'load', jobId: next });
  }

  loaded(input: JobInput, held: readonly number[]): void {
    if (this.#state.jobs.has(input.id) || !this.#state.clusterOf.has(input.id)) return;
    const { job, ready } = runOf(input);
    if (this.#state.cancelOnLoad.delete(job.id)) job.cancelRequested = true;
    // A job that waits is read to be canceled, else when its turn comes.
    if (!job.cancelRequested && !this.#isFirst(job)) return;
    this.#state.jobs.set(job.id, job);
    this.#touched.add(job);
    job.tasks.forEach(({ hostId }, task) => {
      if (job.stage[task] === ISSUED) this.host(hostId).busy += 1;
    });
    for (const task of held) this.#takeOver(job, task);
    // The gates know of these from their rows.
    const over = job.states.flatMap((taskState, task) => (unsuccessful(taskState) ? [task] : []));
    if (over.length > 0) this.#excuse(job, this.#withdrawAfter(job, over));
    if (job.cancelRequested) this.#cancelAll(job);
    else for (const task of ready) if (job.stage[task] === WAITING) this.#makeReady(job, task);
  }

  held(jobId: string, task: number, attempt: number): void {
    const job = this.#state.jobs.get(jobId);
    if (job && job.attempt[task] === attempt) this.#takeOver(job, task);
  }

  prepared(jobId: string, task: number, attempt: number): void {
    const job = this.#state.jobs.get(jobId);
    if (!job || job.stage[task] !== PREPARING || job.attempt[task] !== attempt) return;
    const hostId = hostOf(job, task);
    const places = this.host(hostId);
    if (!places.up) {
      places.busy -= 1;
      job.stage[task] = READY;
      places.ready.unshift({ jobId, task });
      return;
    }
    this.#issue(job, task);
  }

  ended(event: Extract<SchedulerEvent, { kind: 'ended' }>): void {
    const { jobId, task, attempt, reason } = event;
    const job = this.#state.jobs.get(jobId);
    if (!job || job.attempt[task] !== attempt || job.stage[task] === OVER) return;
    this.#vacate(job, task);
    if (event.state === 'SUCCESSFUL') {
      this.#turn(job, task, 'SUCCESSFUL');
      this.#goOn(job, task);
    } else if (this.#mayRenew(job, task, reason)) {
      job.lostBefore[task] = 1;
      job.attempt[task] = attempt + 1;
      this.#turn(job, task, 'PENDING');
      this.#effects.push({ kind: 'renew', jobId, task, attempt: attempt + 1 });
      this.#makeReady(job, task);
    } else {
      this.#turn(job, task, event.state, reason);
      this.#cancelAfter(job, [task]);
    }
  }

  cancel(jobId: string): void {
    const job = this.#state.jobs.get(jobId);
    if (!job) {
      if (!this.#state.clusterOf.has(jobId)) return;
      this.#state.cancelOnLoad.add(jobId);
      this.#effects.push({ kind: 'load', jobId });
      return;
    }
    if (job.cancelRequested) return;
    job.cancelRequested = true;
    job.changed = true;
    this.#touched.add(job);
    this.#cancelAll(job);
  }

  resume(jobId: string): void {
    const job = this.#state.jobs.get(jobId);
    // A job that is read later is read as resumed.
    if (job?.pause !== 'PAUSED') return;
    job.pause = 'RESUMED';
    job.changed = true;
    this.#touched.add(job);
    const held = [...job.held];
    job.held.clear();
    for (const gate of held) this.#goOn(job, gate);
  }

  hostLost(hostId: string): void {
    const places = this.host(hostId);
    for (const { jobId, task } of places.ready.splice(0)) {
      const job = this.#state.jobs.get(jobId);
      if (!job || job.stage[task] !== READY) continue;
      this.#withdraw(job, task, 'FAILED', 'LOST');
      this.#cancelAfter(job, [task]);
    }
  }

  /** Gives the free places of a host to its ready tasks. */
  fill(hostId: string): void {
    const places = this.host(hostId);
    while (places.up && places.busy < this.#state.tasksPerHost && places.ready.length > 0) {
      const next = places.ready.shift();
      const job = next && this.#state.jobs.get(next.jobId);
      if (!job || job.stage[next.task] !== READY) continue;
      places.busy += 1;
      job.stage[next.task] = PREPARING;
      this.#effects.push({ kind: 'prepare', jobId: job.id, task: next.task, attempt: job.attempt[next.task]! });
    }
  }

  /** Says what became of the jobs that this step touched, and starts the next of a cluster. */
  settle(): void {
    for (const hostId of this.#freed) this.fill(hostId);
    for (const job of this.#touched) {
      const state = stateOf(job);
      if (job.changed || isTerminal(state)) {
        job.changed = false;
        const { reason, counts, cancelRequested, pause } = job;
        const said = { state, cancelRequested, reason, counts: { ...counts }, pause };
        this.#effects.push({ kind: 'job', jobId: job.id, ...said });
      }
      if (isTerminal(state)) this.forget(job.id);
    }
  }

  forget(jobId: string): void {
    const clusterId = this.#state.clusterOf.get(jobId);
    if (clusterId === undefined) return;
    this.#state.clusterOf.delete(jobId);
    this.#state.cancelOnLoad.delete(jobId);
    if (this.#state.jobs.delete(jobId)) this.#effects.push({ kind: 'release', jobId });
    const queue = this.#state.queues.get(clusterId);
    if (!queue) return;
    const index = queue.jobs.findIndex(({ id }) => id === jobId);
    if (index >= 0) queue.jobs.splice(index, 1);
    const [next] = queue.jobs;
    if (!next) this.#state.queues.delete(clusterId);
    else if (index === 0 && !this.#state.jobs.has(next.id)) this.#effects.push({ kind: 'load', jobId: next.id });
  }

  #isFirst(job: JobRun): boolean {
    return this.#state.queues.get(job.clusterId)?.jobs[0]?.id === job.id;
  }

  #makeReady(job: JobRun, task: number): void {
    const hostId = hostOf(job, task);
    job.stage[task] = READY;
    this.host(hostId).ready.push({ jobId: job.id, task });
    this.fill(hostId);
  }

  #mayRenew(job: JobRun, task: number, reason: Reason | undefined): boolean {
    return (
      isUncertain(reason) && job.tasks[task]?.idempotent === true && job.lostBefore[task] === 0 && !job.cancelRequested
    );
  }

  /** It runs, or may at any time, whatever it waits for here: only so can it be ended, and its result be taken. */
  #takeOver(job: JobRun, task: number): void {
    const stage = job.stage[task];
    if (stage !== WAITING && stage !== READY && stage !== PREPARING) return;
    if (stage === PREPARING) {
      this.#effects.push({ kind: 'abandon', jobId: job.id, task, attempt: job.attempt[task]! });
    } else this.host(hostOf(job, task)).busy += 1;
    this.#issue(job, task);
  }

  #issue(job: JobRun, task: number): void {
    job.stage[task] = ISSUED;
    job.started = true;
    this.#turn(job, task, 'RUNNING');
    this.#effects.push({ kind: 'issue', jobId: job.id, task, attempt: job.attempt[task]! });
  }

  /** What waited for a task or gate only. */
  #goOn(job: JobRun, node: number): void {
    for (const next of completed(job.progress, node, (gate) => holds(job, gate))) {
      if (job.stage[next] === WAITING && !job.cancelRequested) this.#makeReady(job, next);
    }
  }

  /**
   * Everything that waits for these, directly or not, will not run; but for what comes behind a gate that is open, or
   * that the operator wants opened although so many before it failed.
   */
  #withdrawAfter(job: JobRun, tasks: readonly number[]): readonly number[] {
    const { gates, progress, states } = job;
    const spared = (gate: number): boolean =>
      gates.has(gate) && (progress.waits[gate] === 0 || gates.excuses(gate, states));
    const withdrawn = dependents(job.graph, tasks, spared).filter((task) => job.stage[task] === WAITING);
    for (const task of withdrawn) this.#withdraw(job, task, 'CANCELED', 'DEPENDENCY_FAILED');
    return withdrawn;
  }

  #cancelAfter(job: JobRun, tasks: readonly number[]): void {
    this.#excuse(job, [...tasks, ...this.#withdrawAfter(job, tasks)]);
  }

  /** The gates behind tasks that came to nothing no longer wait for them, where that is tolerated. */
  #excuse(job: JobRun, tasks: readonly number[]): void {
    const { gates, graph, progress, states } = job;
    const behind: number[] = [];
    for (const task of tasks) {
      forEachSuccessor(graph, task, (gate) => {
        if (gates.has(gate) && gates.excuses(gate, states)) behind.push(gate);
      });
    }
    for (const gate of behind) {
      if (excused(progress, gate) && !holds(job, gate)) this.#goOn(job, gate);
    }
  }

  #cancelAll(job: JobRun): void {
    for (let task = 0; task < job.tasks.length; task++) {
      if (job.stage[task] === ISSUED) {
        this.#effects.push({ kind: 'stop', jobId: job.id, task, attempt: job.attempt[task]! });
      } else if (job.stage[task] !== OVER) this.#withdraw(job, task, 'CANCELED', 'USER_CANCEL');
    }
  }

  #withdraw(job: JobRun, task: number, state: 'CANCELED' | 'FAILED', reason: Reason): void {
    const attempt = job.attempt[task]!;
    if (job.stage[task] === PREPARING) this.#effects.push({ kind: 'abandon', jobId: job.id, task, attempt });
    this.#vacate(job, task);
    this.#turn(job, task, state, reason);
    this.#effects.push({ kind: 'withdraw', jobId: job.id, task, attempt, state, reason });
  }

  #vacate(job: JobRun, task: number): void {
    if (job.stage[task] !== PREPARING && job.stage[task] !== ISSUED) return;
    this.host(hostOf(job, task)).busy -= 1;
    this.#freed.add(hostOf(job, task));
  }

  #turn(job: JobRun, task: number, to: State, reason?: Reason): void {
    const from = job.states[task]!;
    job.states[task] = to;
    job.counts[from] -= 1;
    job.counts[to] += 1;
    if (isTerminal(to)) job.stage[task] = OVER;
    if (to === 'FAILED' && job.counts.FAILED === 1) job.reason = reason;
    if (to === 'CANCELED' && job.counts.FAILED === 0) job.reason ??= reason;
    job.changed = true;
    this.#touched.add(job);
  }
}

/** A job that only waits in the queue is PENDING, also one that is retried. */
function stateOf(job: JobRun): State {
  const state = jobState(job.counts);
  return state === 'RUNNING' && !job.started ? 'PENDING' : state;
}

/** What a job begins with when its turn comes. */
export function readyTasks(input: JobInput): readonly number[] {
  return runOf(input).ready;
}

function unsuccessful(state: State | undefined): boolean {
  return state === 'FAILED' || state === 'CANCELED';
}

/** Whether the job stops at a gate now, all before it being over. */
function holds(job: JobRun, gate: number): boolean {
  if (!job.pause || job.pause === 'RESUMED' || !job.gates.pauses(gate)) return false;
  job.held.add(gate);
  if (job.pause !== 'PAUSED') job.changed = true;
  job.pause = 'PAUSED';
  return true;
}

function hostOf(job: JobRun, task: number): string {
  return job.tasks[task]!.hostId;
}

function runOf(input: JobInput): { job: JobRun; ready: readonly number[] } {
  const { tasks, graph } = input;
  const gates = gatesOf(input.turns, graph);
  const states = tasks.map(({ state }) => state);
  const held = new Set<number>();
  const { progress, ready } = resume(graph, (task) => tasks[task]?.state === 'SUCCESSFUL', {
    isHeld: (gate) => {
      const isHeld = input.pause !== undefined && input.pause !== 'RESUMED' && gates.pauses(gate);
      if (isHeld) held.add(gate);
      return isHeld;
    },
    isExcused: (task, gate) => unsuccessful(states[task]) && gates.excuses(gate, states),
  });
  const counts: Record<State, number> = { ...noTasks };
  for (const { state } of tasks) counts[state] += 1;
  const job: JobRun = {
    id: input.id,
    clusterId: input.clusterId,
    tasks,
    graph,
    progress,
    stage: Uint8Array.from(tasks, ({ state }) => (isTerminal(state) ? OVER : state === 'RUNNING' ? ISSUED : WAITING)),
    attempt: Uint32Array.from(tasks, ({ attempt }) => attempt),
    lostBefore: Uint8Array.from(tasks, ({ lostBefore }) => (lostBefore ? 1 : 0)),
    states,
    counts,
    cancelRequested: input.cancelRequested,
    gates,
    held,
    pause: held.size > 0 ? 'PAUSED' : input.pause,
    started: input.started,
    reason: tasks.find(({ state, reason }) => state === 'FAILED' && reason !== undefined)?.reason,
    changed: held.size > 0 && input.pause !== 'PAUSED',
  };
  return { job, ready: ready.filter((task) => job.stage[task] === WAITING) };
}
