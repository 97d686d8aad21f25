import { isTerminal } from '@stackyard/domain';
import type { Scenario } from './scenario/scenario.ts';
import { scheduleFaults } from './world/faults.ts';
import type { Violation } from './world/ledger.ts';
import { scheduleRequests } from './world/operator.ts';
import { World } from './world/world.ts';

export interface Outcome {
  /** The same for the same scenario, on every machine. */
  readonly hash: string;
  readonly violation: Violation | undefined;
  /** Simulated time. */
  readonly tookMs: number;
  readonly steps: number;
  readonly lines: readonly string[];
}

/** How often it is looked whether everything is settled. */
const LOOK_MS = 5_000;
/** What loops for ever would else not end. */
const MOST_STEPS = 3_000_000;

/** Runs a scenario: faults, then peace until everything is settled. A pure function of the scenario. */
export function simulate(scenario: Scenario, { readable = false } = {}): Outcome {
  const world = new World(scenario, { readable });
  const { timeline, observer, trace } = world;
  const stop = (): boolean => observer.violation !== undefined || timeline.steps > MOST_STEPS;
  try {
    scheduleRequests(world);
    scheduleFaults(world);
    timeline.run(scenario.faultyMs, stop);
    heal(world);
    const until = timeline.now + boundMs(scenario);
    while (!stop() && timeline.now < until && !isSettled(world)) timeline.run(timeline.now + LOOK_MS, stop);
    observer.see({ kind: 'converged' });
    if (isSettled(world)) world.seeLogs();
    if (!observer.violation && !isSettled(world)) observer.unsettled(unsettled(world));
  } catch (error) {
    observer.broke(error);
  }
  const { hash, lines } = trace;
  return { hash, lines, violation: observer.violation, tookMs: timeline.now, steps: timeline.steps };
}

/** Everything comes up, and nothing gets lost any more. */
function heal(world: World): void {
  world.trace.note('PEACE', 'all faults are over');
  world.database.heal();
  for (const { link, spool } of world.hosts) {
    link.heal();
    spool.full = false;
  }
  world.hosts.forEach(({ index }) => {
    if (!world.gone.has(index) && !world.agents[index]!.process.alive) world.startAgent(index);
  });
  if (world.servers.length === 0) world.startServer();
}

/** By when all must be settled: silence is waited out, a host comes back, and then the jobs run one after the other. */
function boundMs({ settings, jobs, hosts, clocks }: Scenario): number {
  const slowest = 1 / Math.min(clocks.server, ...clocks.hosts);
  const { lostAfterMs, leaseMs, killGraceMs } = settings;
  const perTaskMs = (durationMs: number): number => durationMs + killGraceMs + 10 * leaseMs;
  const tasks = jobs.flatMap(({ layers }) => layers).flatMap((layer) => layer.tasks);
  const workMs = tasks.reduce((sum, { durationMs }) => sum + 3 * perTaskMs(durationMs), 0);
  return (2 * lostAfterMs + workMs / Math.max(1, hosts / 3) + 60_000) * slowest * 2;
}

function isSettled(world: World): boolean {
  const { jobs, tasks } = world.database.tables;
  return (
    world.openRequests === 0 &&
    [...jobs.values()].every(({ state }) => isTerminal(state)) &&
    [...tasks.values()].every(({ state }) => isTerminal(state)) &&
    world.agents.every(({ isSettled, host }) => isSettled || world.gone.has(host.index))
  );
}

function unsettled({ agents, gone, openRequests, database: { tables } }: World): string {
  const open = [...tables.tasks.values()].filter(({ state }) => !isTerminal(state)).map(({ id }) => id);
  const busy = agents
    .filter(({ isSettled, host }) => !isSettled && !gone.has(host.index))
    .map(({ host }) => `h${host.index}`);
  const list = (names: readonly string[]): string => names.join(', ') || 'none';
  return `Tasks that are not over: ${list(open)}; agents that are not settled: ${list(busy)}; open requests: ${openRequests}.`;
}
