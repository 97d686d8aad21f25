import { Random } from '../time/random.ts';
import type { Fault, JobPlan, LayerPlan, RequestPlan, Scenario, Settings, TaskPlan } from './scenario.ts';

/** The run that belongs to a seed. Most are small, so that many fit into little time; a few have 50 hosts. */
export function scenarioOf(seed: number): Scenario {
  const random = new Random(seed);
  const hosts = random.chance(0.02)
    ? random.whole(20, 50)
    : random.chance(0.2)
      ? random.whole(4, 10)
      : random.whole(1, 3);
  const clusters = Math.min(hosts, random.whole(1, 3));
  const settings = settingsOf(random.fork('settings'));
  const faultyMs = random.between(60_000, settings.lostAfterMs * 2 + 120_000);
  const quiet = random.chance(0.25);
  const jobs = jobsOf(random.fork('jobs'), { hosts, clusters, faultyMs });
  const scenario: Scenario = {
    seed,
    hosts,
    faultyMs,
    settings,
    network: {
      loss: quiet ? 0 : random.pick([0, 0.002, 0.02, 0.1, 0.3]),
      duplicates: random.pick([0, 0.05, 0.2, 0.5]),
      latencyMs: random.pick([0.2, 1, 20, 200]),
      jitterMs: random.pick([0, 1, 50, 1_000]),
    },
    disk: { latencyMs: random.pick([0.1, 1, 20, 500]), lostShare: random.between(0.8, 1) },
    database: { latencyMs: random.pick([0.2, 2, 50, 1_000]), timeouts: random.pick([0, 0, 0.02, 0.1]) },
    clocks: {
      server: speedOf(random),
      hosts: Array.from({ length: hosts }, () => speedOf(random)),
    },
    jobs,
    requests: requestsOf(random.fork('requests'), jobs, faultyMs),
    faults: quiet && random.chance(0.5) ? [] : faultsOf(random.fork('faults'), { hosts, faultyMs, settings, jobs }),
  };
  return random.fork('enduring').chance(0.06) ? enduring(scenario) : scenario;
}

/** What runs outlives the loss of its attempts, and is there when a user retries them. */
function enduring(scenario: Scenario): Scenario {
  const { jobs, hosts, faults, requests } = scenario;
  const settings = { ...scenario.settings, lostAfterMs: 120_000 };
  const last = (plan: TaskPlan): TaskPlan => ({ ...plan, durationMs: 400_000, timeoutMs: 900_000, idempotent: true });
  const forMs = settings.lostAfterMs * 1.5;
  const at = Math.min(...jobs.map((job) => job.at)) + 20_000;
  const everybody = Array.from({ length: hosts }, (_, index) => index);
  return {
    ...scenario,
    settings,
    faultyMs: Math.max(scenario.faultyMs, at + forMs + 60_000),
    requests: [...requests, ...jobs.map(({ name: job }) => ({ at: at + forMs + 25_000, kind: 'retry', job }) as const)],
    jobs: jobs.map((job) => ({
      ...job,
      layers: job.layers.map((layer) => ({ ...layer, tasks: layer.tasks.map(last) })),
    })),
    faults: [...faults, { at, kind: 'partition', hosts: everybody, forMs, way: 'both' } as const].toSorted(
      (left, right) => left.at - right.at,
    ),
  };
}

function speedOf(random: Random): number {
  return random.chance(0.6) ? 1 : random.between(0.5, 2);
}

function settingsOf(random: Random): Settings {
  return {
    heartbeatMs: 5_000,
    leaseMs: 30_000,
    lostAfterMs: random.pick([120_000, 240_000, 600_000]),
    killGraceMs: random.pick([100, 2_000, 10_000]),
    tasksPerHost: random.whole(1, 4),
  };
}

function jobsOf(
  random: Random,
  { hosts, clusters, faultyMs }: { readonly hosts: number; readonly clusters: number; readonly faultyMs: number },
): JobPlan[] {
  const count = random.whole(1, hosts > 10 ? 3 : 5);
  return Array.from({ length: count }, (_, name) => {
    const cluster = random.below(clusters);
    // A host belongs to one cluster.
    const own = Array.from({ length: hosts }, (_host, host) => host).filter((host) => host % clusters === cluster);
    const layers = Array.from({ length: random.whole(1, 4) }, (_layer, index) =>
      layerOf(random.fork(`${name}.${index}`), own, index * 1_000),
    );
    return {
      name,
      cluster,
      at: random.chance(0.5) ? random.between(0, 2_000) : random.between(0, faultyMs * 0.7),
      layers,
    };
  });
}

function layerOf(random: Random, hosts: readonly number[], firstName: number): LayerPlan {
  const some = hosts.filter(() => random.chance(0.7));
  const tasks = (some.length > 0 ? some : [random.pick(hosts)]).flatMap((host) =>
    Array.from({ length: random.chance(0.2) ? 2 : 1 }, () => host),
  );
  return {
    barrier: random.chance(0.6),
    tasks: tasks.map((host, index) => taskOf(random, host, firstName + index)),
  };
}

function taskOf(random: Random, host: number, name: number): TaskPlan {
  return {
    name,
    host,
    durationMs: random.pick([5, 200, 5_000, 30_000, 90_000, 300_000]) * random.between(0.5, 1.5),
    exitCode: random.chance(0.08) ? 1 : 0,
    idempotent: random.chance(0.5),
    timeoutMs: random.chance(0.15) ? 20_000 : 600_000,
    startWithinMs: random.pick([10_000, 60_000, 900_000]),
    logBytes: random.pick([0, 0, 0, 100, 5_000, 5_000, 140_000, 300_000]),
    prepareMs: random.chance(0.8) ? 3 : random.between(0, 90_000),
    // Some are ready just when their agent gives up on them.
    runnerMs: random.chance(0.8) ? 45 : random.pick([45, 4_000, 9_700]) + random.between(0, 600),
    onTerm: random.chance(0.2) ? 'ignores' : 'ends',
    forks: random.chance(0.2),
  };
}

function requestsOf(random: Random, jobs: readonly JobPlan[], faultyMs: number): RequestPlan[] {
  const count = random.pick([0, 0, 1, 2, 5]);
  return Array.from({ length: count }, () => {
    const job = random.pick(jobs);
    const soon = job.at + random.pick([10, 1_000, 20_000, 100_000]) * random.fraction();
    const kind = random.chance(0.6) ? 'cancel' : 'retry';
    return { at: kind === 'cancel' ? soon : random.between(job.at, faultyMs), kind, job: job.name };
  });
}

/** How likely each fault is beside the others. */
const weights: readonly (readonly [Fault['kind'], number])[] = [
  ['agentCrash', 6],
  ['agentStop', 3],
  ['reboot', 2],
  ['spoolDeleted', 1],
  ['diskFull', 1],
  ['hostGone', 0.4],
  ['runnerKill', 3],
  ['streamBreak', 4],
  ['slow', 2],
  ['partition', 6],
  ['serverCrash', 6],
  ['serverStop', 2],
  ['secondServer', 1],
  ['databaseDown', 2],
  ['restore', 1],
];

function faultsOf(random: Random, from: FaultsFrom): Fault[] {
  const count = random.pick([1, 2, 4, 8, 15]) + Math.floor(from.hosts / 5);
  const faults = Array.from({ length: count }, (_, index) => faultOf(random.fork(String(index)), from));
  // A command that no row and no journal knows is a new one: nobody could tell.
  const forgets = faults.find(({ kind }) => kind === 'restore' || kind === 'spoolDeleted')?.kind;
  return faults
    .filter(({ kind }) => (kind !== 'restore' && kind !== 'spoolDeleted') || kind === forgets)
    .toSorted((left, right) => left.at - right.at);
}

interface FaultsFrom {
  readonly hosts: number;
  readonly faultyMs: number;
  readonly settings: Settings;
  readonly jobs: readonly JobPlan[];
}

function faultOf(random: Random, { hosts, faultyMs, settings, jobs }: FaultsFrom): Fault {
  // Where something is going on there is more to break.
  const busy = random.pick(jobs).at + random.pick([1_000, 5_000, 30_000]) * random.fraction();
  const at = random.chance(0.6) ? Math.min(busy, faultyMs) : random.between(0, faultyMs);
  const host = random.below(hosts);
  const kind = weighted(random);
  const { leaseMs, lostAfterMs } = settings;
  const shortMs = random.pick([50, 1_000, 10_000]) * random.between(0.2, 1);
  const longMs = random.pick([leaseMs * 0.5, leaseMs * 1.5, leaseMs * 3, lostAfterMs * 1.5]) * random.between(0.7, 1.3);
  switch (kind) {
    case 'agentCrash':
      return { at, kind, host, forMs: random.chance(0.8) ? shortMs : longMs, runner: random.chance(0.3) };
    case 'spoolDeleted':
    case 'reboot':
      return { at, kind, host, forMs: random.chance(0.8) ? shortMs : longMs };
    case 'agentStop':
      return {
        at,
        kind,
        host,
        forMs: random.pick([1_000, 20_000, 45_000, lostAfterMs * 1.3]) * random.between(0.5, 1),
      };
    case 'diskFull':
      return { at, kind, host, forMs: longMs };
    case 'hostGone':
    case 'runnerKill':
    case 'streamBreak':
      return { at, kind, host };
    case 'slow':
      return { at, kind, host, forMs: longMs, factor: random.pick([4, 16, 64]) };
    case 'partition': {
      const all = random.chance(0.3);
      const cut = all ? Array.from({ length: hosts }, (_, index) => index) : [host];
      return { at, kind, hosts: cut, forMs: longMs, way: random.pick(['both', 'both', 'up', 'down'] as const) };
    }
    case 'serverCrash':
      return { at, kind, forMs: random.chance(0.85) ? shortMs : longMs, power: random.chance(0.5) };
    case 'serverStop':
      return { at, kind, forMs: random.pick([1_000, 20_000, 45_000, 600_000]) * random.between(0.5, 1) };
    case 'secondServer':
      return { at, kind };
    case 'databaseDown':
      return { at, kind, forMs: random.chance(0.7) ? shortMs : longMs };
    case 'restore':
      return { at, kind, backMs: random.between(1_000, at), forMs: shortMs, logs: random.chance(0.5) };
  }
}

function weighted(random: Random): Fault['kind'] {
  let left = random.fraction() * weights.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [kind, weight] of weights) {
    left -= weight;
    if (left < 0) return kind;
  }
  return 'agentCrash';
}
