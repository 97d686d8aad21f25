import { isTerminal, jobState, noTasks, type Reason, type State } from '@stackyard/domain';
import { GraphBuilder, type TaskGraph } from '@stackyard/planner';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSchedulerState, type SchedulerEffect, type SchedulerEvent, type SchedulerState } from './state.ts';
import { isUncertain, stepScheduler } from './step.ts';

interface ModelTask {
  readonly hostId: string;
  readonly idempotent: boolean;
  /** Every attempt by number, from 1: what the database would hold. */
  readonly attempts: { state: State; reason: Reason | undefined }[];
}
interface ModelJob {
  readonly id: string;
  readonly clusterId: string;
  readonly position: number;
  readonly graph: TaskGraph;
  readonly tasks: ModelTask[];
  cancelRequested: boolean;
  state: State;
}

const TASKS_PER_HOST = 2;
const hosts = ['h0', 'h1', 'h2'];

/** Rows, agents and a scheduler that may forget everything; checks what must always hold as it goes. */
class Model {
  readonly jobs = new Map<string, ModelJob>();
  readonly up = new Set<string>();
  readonly toPrepare: { jobId: string; task: number; attempt: number }[] = [];
  readonly running: { jobId: string; task: number; attempt: number; stopped: boolean }[] = [];
  readonly toLoad: string[] = [];
  #scheduler: SchedulerState = createSchedulerState(TASKS_PER_HOST);

  do(event: SchedulerEvent): void {
    for (const effect of stepScheduler(this.#scheduler, event)) this.#carryOut(effect);
    for (const hostId of hosts) {
      const onHost = this.running.filter(({ jobId, task }) => this.#task(jobId, task).hostId === hostId);
      expect(onHost.length).toBeLessThanOrEqual(TASKS_PER_HOST);
    }
  }

  add(job: ModelJob): void {
    this.jobs.set(job.id, job);
    this.do({ kind: 'queued', jobId: job.id, clusterId: job.clusterId, position: job.position });
  }

  load(jobId: string): void {
    const job = this.jobs.get(jobId)!;
    if (isTerminal(job.state)) return this.do({ kind: 'gone', jobId });
    this.do({
      kind: 'loaded',
      job: {
        id: job.id,
        clusterId: job.clusterId,
        cancelRequested: job.cancelRequested,
        started: job.state === 'RUNNING',
        graph: job.graph,
        tasks: job.tasks.map(({ hostId, idempotent, attempts }) => ({
          hostId,
          idempotent,
          state: attempts.at(-1)!.state,
          reason: attempts.at(-1)!.reason,
          attempt: attempts.length,
          lostBefore: isUncertain(attempts.at(-2)?.reason),
        })),
      },
    });
  }

  end(index: number, state: 'SUCCESSFUL' | 'FAILED' | 'CANCELED', reason?: Reason): void {
    const [ended] = this.running.splice(index, 1);
    if (!ended) return;
    this.#settle(ended.jobId, ended.task, ended.attempt, state, reason);
    this.do({ kind: 'ended', jobId: ended.jobId, task: ended.task, attempt: ended.attempt, state, reason });
  }

  /** kill -9: only rows and agents are left. */
  crash(): void {
    this.#scheduler = createSchedulerState(TASKS_PER_HOST);
    this.toPrepare.length = 0;
    this.toLoad.length = 0;
    const open = [...this.jobs.values()].filter(({ state }) => !isTerminal(state));
    for (const { id, clusterId, position } of open.toSorted((a, b) => a.position - b.position)) {
      this.do({ kind: 'queued', jobId: id, clusterId, position });
    }
    for (const { id, cancelRequested } of open) if (cancelRequested) this.do({ kind: 'cancel', jobId: id });
    for (const hostId of this.up) this.do({ kind: 'hostUp', hostId });
  }

  #carryOut(effect: SchedulerEffect): void {
    const job = this.jobs.get(effect.jobId)!;
    switch (effect.kind) {
      case 'load':
        this.toLoad.push(effect.jobId);
        return;
      case 'prepare':
        this.toPrepare.push(effect);
        return;
      case 'abandon':
        this.toPrepare.splice(
          this.toPrepare.findIndex(({ jobId, task }) => jobId === effect.jobId && task === effect.task),
          1,
        );
        return;
      case 'issue':
        this.#mayStart(job, effect.task, effect.attempt);
        this.running.push({ ...effect, stopped: false });
        job.tasks[effect.task]!.attempts[effect.attempt - 1]!.state = 'RUNNING';
        return;
      case 'stop':
        for (const attempt of this.running) {
          if (attempt.jobId === effect.jobId && attempt.task === effect.task) attempt.stopped = true;
        }
        return;
      case 'withdraw':
        expect(job.tasks[effect.task]!.attempts.at(-1)!.state).toBe('PENDING');
        if (effect.reason === 'DEPENDENCY_FAILED')
          expect(this.#ancestorsOf(job, effect.task).some((at) => unsuccessful(job, at))).toBe(true);
        this.#settle(effect.jobId, effect.task, effect.attempt, effect.state, effect.reason);
        return;
      case 'renew':
        expect(job.tasks[effect.task]!.idempotent).toBe(true);
        expect(effect.attempt).toBe(job.tasks[effect.task]!.attempts.length + 1);
        job.tasks[effect.task]!.attempts.push({ state: 'PENDING', reason: undefined });
        return;
      case 'job': {
        expect(isTerminal(job.state)).toBe(false);
        const counts = {
          ...noTasks,
          ...Object.fromEntries(
            Object.entries(Object.groupBy(job.tasks, ({ attempts }) => attempts.at(-1)!.state)).map(
              ([state, tasks]) => [state, tasks!.length],
            ),
          ),
        };
        expect(effect.counts).toEqual(counts);
        if (isTerminal(effect.state)) expect(effect.state).toBe(jobState(counts));
        job.state = effect.state;
        return;
      }
      case 'release':
        return;
    }
  }

  #mayStart(job: ModelJob, task: number, attempt: number): void {
    const older = [...this.jobs.values()].filter(
      ({ clusterId, position, state }) => clusterId === job.clusterId && position < job.position && !isTerminal(state),
    );
    expect(older.map(({ id }) => id)).toEqual([]);
    for (const before of this.#ancestorsOf(job, task))
      expect(job.tasks[before]!.attempts.at(-1)!.state).toBe('SUCCESSFUL');
    expect(this.running.some((other) => other.jobId === job.id && other.task === task)).toBe(false);
    expect(job.tasks[task]!.attempts[attempt - 1]!.state).toBe('PENDING');
    expect(this.up.has(job.tasks[task]!.hostId)).toBe(true);
  }

  #settle(jobId: string, task: number, attempt: number, state: State, reason: Reason | undefined): void {
    const row = this.#task(jobId, task).attempts[attempt - 1]!;
    expect(isTerminal(row.state)).toBe(false);
    Object.assign(row, { state, reason });
  }

  #task(jobId: string, task: number): ModelTask {
    return this.jobs.get(jobId)!.tasks[task]!;
  }

  #ancestorsOf({ graph }: ModelJob, task: number): number[] {
    const found = new Set<number>();
    const visit = (node: number): void => {
      for (let from = 0; from < graph.nodes; from++) {
        const targets = graph.targets.subarray(graph.offsets[from], graph.offsets[from + 1]);
        if (!targets.includes(node) || found.has(from)) continue;
        found.add(from);
        visit(from);
      }
    };
    visit(task);
    return [...found].filter((node) => node < graph.tasks);
  }
}

const unsuccessful = (job: ModelJob, task: number): boolean =>
  ['FAILED', 'CANCELED'].includes(job.tasks[task]!.attempts.at(-1)!.state);

const jobShape = fc.record({
  cluster: fc.constantFrom('c0', 'c1'),
  tasks: fc.array(
    fc.record({
      host: fc.constantFrom(...hosts),
      idempotent: fc.boolean(),
      before: fc.array(fc.nat(20), { maxLength: 3 }),
    }),
    { maxLength: 8 },
  ),
  barrier: fc.boolean(),
});

function jobOf(
  { cluster, tasks, barrier }: typeof jobShape extends fc.Arbitrary<infer T> ? T : never,
  index: number,
): ModelJob {
  const builder = new GraphBuilder();
  tasks.forEach(() => builder.addTask());
  tasks.forEach(({ before }, task) => {
    if (task === 0) return;
    for (const pick of before) builder.edge(pick % task, task);
  });
  const half = Math.floor(tasks.length / 2);
  if (barrier && half > 0) {
    const join = builder.addJoin();
    for (let task = 0; task < half; task++) builder.edge(task, join);
    for (let task = half; task < tasks.length; task++) builder.edge(join, task);
  }
  return {
    id: `j${index}`,
    clusterId: cluster,
    position: index + 1,
    graph: builder.toGraph(),
    tasks: tasks.map(({ host, idempotent }) => ({
      hostId: host,
      idempotent,
      attempts: [{ state: 'PENDING', reason: undefined }],
    })),
    cancelRequested: false,
    state: 'PENDING',
  };
}

const action = fc.record({ what: fc.nat(11), which: fc.nat(50) });

function act(model: Model, { what, which }: { what: number; which: number }): void {
  const of = <T>(list: readonly T[]): T | undefined => list[which % Math.max(1, list.length)];
  const index = which % Math.max(1, model.running.length);
  const hostId = hosts[which % hosts.length]!;
  if (what <= 1) return model.load(model.toLoad.shift() ?? of([...model.jobs.keys()])!);
  if (what <= 3) {
    const prepared = model.toPrepare.shift();
    return prepared && model.do({ ...prepared, kind: 'prepared' });
  }
  if (what <= 6) return model.end(index, 'SUCCESSFUL');
  if (what === 7) return model.end(index, 'FAILED', of(['EXIT_NONZERO', 'LOST', 'HOST_REBOOTED'] as const)!);
  if (what === 8) {
    model.up.add(hostId);
    return model.do({ kind: 'hostUp', hostId });
  }
  if (what === 9) {
    model.up.delete(hostId);
    model.do({ kind: 'hostDown', hostId });
    return which % 5 === 0 ? model.do({ kind: 'hostLost', hostId }) : undefined;
  }
  if (what === 10 && which % 4 === 0) {
    const job = of([...model.jobs.values()]);
    if (!job || isTerminal(job.state)) return;
    job.cancelRequested = true;
    return model.do({ kind: 'cancel', jobId: job.id });
  }
  if (what === 11 && which % 3 === 0) model.crash();
}

/** Everybody is back and nothing goes wrong any more. */
function heal(model: Model): void {
  for (const hostId of hosts) {
    model.up.add(hostId);
    model.do({ kind: 'hostUp', hostId });
  }
  for (let turns = 0; turns < 1000; turns++) {
    if (model.toLoad.length > 0) model.load(model.toLoad.shift()!);
    else if (model.toPrepare.length > 0) model.do({ ...model.toPrepare.shift()!, kind: 'prepared' });
    else if (model.running[0]?.stopped) model.end(0, 'CANCELED', 'USER_CANCEL');
    else if (model.running.length > 0) model.end(0, 'SUCCESSFUL');
    else return;
  }
}

test('random jobs, results, cancels, lost hosts and crashes: order is kept, and every task ends', () => {
  fc.assert(
    fc.property(
      fc.array(jobShape, { minLength: 1, maxLength: 5 }),
      fc.array(action, { maxLength: 120 }),
      (shapes, actions) => {
        const model = new Model();
        shapes.forEach((shape, index) => model.add(jobOf(shape, index)));
        for (const each of actions) act(model, each);
        heal(model);
        for (const job of model.jobs.values()) {
          expect(isTerminal(job.state)).toBe(true);
          for (const { attempts } of job.tasks) expect(attempts.every(({ state }) => isTerminal(state))).toBe(true);
        }
      },
    ),
    { numRuns: 500 },
  );
});
