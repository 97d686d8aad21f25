import type { JobPlan, Scenario } from './scenario/scenario.ts';
import { simulate } from './simulate.ts';

export interface Shrunk {
  readonly scenario: Scenario;
  /** How many candidates were tried. */
  readonly runs: number;
}

/** Whether a scenario breaks the same invariant as this one. */
export function breaksTheSame(failing: Scenario): (candidate: Scenario) => boolean {
  const invariant = simulate(failing).violation?.invariant;
  return (candidate) => simulate(candidate).violation?.invariant === invariant;
}

/**
 * The smallest scenario found that fails as well: without all faults, requests, jobs, tasks, hosts and bad luck that it
 * does not need. Delta debugging; each candidate is a whole run, so the result replays exactly.
 */
export function shrink(
  failing: Scenario,
  {
    fails = breaksTheSame(failing),
    mostRuns = 1_500,
  }: { fails?: (scenario: Scenario) => boolean; mostRuns?: number } = {},
): Shrunk {
  const search = new Search(failing, fails, mostRuns);
  for (let size = Infinity; search.size < size && !search.spent;) {
    size = search.size;
    for (const simplify of simplifications) search.attempt(simplify(search.best));
    search.minimize(
      ({ faults }) => faults,
      (scenario, faults) => ({ ...scenario, faults }),
    );
    search.minimize(
      ({ requests }) => requests,
      (scenario, requests) => ({ ...scenario, requests }),
    );
    search.minimize(
      ({ jobs }) => jobs,
      (scenario, jobs) => ({ ...scenario, jobs }),
    );
    search.minimize(tasksOf, withTasks);
    search.attempt(withoutIdleHosts(search.best));
  }
  return { scenario: search.best, runs: search.runs };
}

class Search {
  best: Scenario;
  runs = 0;
  readonly #mostRuns: number;
  readonly #fails: (scenario: Scenario) => boolean;

  constructor(failing: Scenario, fails: (scenario: Scenario) => boolean, mostRuns: number) {
    this.best = failing;
    this.#fails = fails;
    this.#mostRuns = mostRuns;
  }

  get spent(): boolean {
    return this.runs >= this.#mostRuns;
  }

  get size(): number {
    return JSON.stringify(this.best).length;
  }

  attempt(candidate: Scenario): boolean {
    if (this.spent) return false;
    this.runs += 1;
    if (!this.#fails(candidate)) return false;
    this.best = candidate;
    return true;
  }

  /** Leaves out halves, then quarters and so on of a list, as long as it still fails. */
  minimize<T>(
    listOf: (scenario: Scenario) => readonly T[],
    having: (scenario: Scenario, list: readonly T[]) => Scenario,
  ): void {
    for (let size = Math.ceil(listOf(this.best).length / 2); size >= 1 && !this.spent; size = Math.floor(size / 2)) {
      for (let from = 0; from < listOf(this.best).length && !this.spent;) {
        const list = listOf(this.best);
        const without = [...list.slice(0, from), ...list.slice(from + size)];
        if (!this.attempt(having(this.best, without))) from += size;
      }
    }
  }
}

/** Ways to have less bad luck. */
const simplifications: readonly ((scenario: Scenario) => Scenario)[] = [
  (scenario) => ({ ...scenario, network: { ...scenario.network, loss: 0 } }),
  (scenario) => ({ ...scenario, network: { ...scenario.network, duplicates: 0 } }),
  (scenario) => ({ ...scenario, network: { ...scenario.network, jitterMs: 0 } }),
  (scenario) => ({ ...scenario, network: { ...scenario.network, latencyMs: 1 } }),
  (scenario) => ({ ...scenario, disk: { ...scenario.disk, latencyMs: 1 } }),
  (scenario) => ({ ...scenario, database: { latencyMs: 1, timeouts: 0 } }),
  (scenario) => ({ ...scenario, database: { ...scenario.database, timeouts: 0 } }),
  (scenario) => ({ ...scenario, clocks: { ...scenario.clocks, server: 1 } }),
  (scenario) => ({ ...scenario, clocks: { ...scenario.clocks, hosts: scenario.clocks.hosts.map(() => 1) } }),
];

interface Place {
  readonly job: number;
  readonly task: number;
}

function tasksOf({ jobs }: Scenario): Place[] {
  return jobs.flatMap(({ name, layers }) =>
    layers.flatMap(({ tasks }) => tasks.map((task) => ({ job: name, task: task.name }))),
  );
}

function withTasks(scenario: Scenario, kept: readonly Place[]): Scenario {
  const names = new Set(kept.map(({ job, task }) => `${job}.${task}`));
  const jobs = scenario.jobs.map((job): JobPlan => {
    const layers = job.layers.map(({ barrier, tasks }) => ({
      barrier,
      tasks: tasks.filter(({ name }) => names.has(`${job.name}.${name}`)),
    }));
    return { ...job, layers: layers.filter(({ tasks }) => tasks.length > 0) };
  });
  return { ...scenario, jobs: jobs.filter(({ layers }) => layers.length > 0) };
}

function withoutIdleHosts(scenario: Scenario): Scenario {
  const used = scenario.jobs.flatMap(({ layers }) => layers.flatMap(({ tasks }) => tasks.map(({ host }) => host)));
  const hit = scenario.faults.flatMap((fault) =>
    'host' in fault ? [fault.host] : fault.kind === 'partition' ? [...fault.hosts] : [],
  );
  return { ...scenario, hosts: Math.max(1, ...used.map((host) => host + 1), ...hit.map((host) => host + 1)) };
}
