import { World } from '../world.ts';
import { Chaos } from './chaos.ts';
import { readLedger, StartsOfSpool } from './ledger.ts';
import { killPlan, type Target } from './plan.ts';
import { componentProcessesBelow } from './processes.ts';
import { type Evidence, judge, type RuleOutcome } from './verdict.ts';
import { Work } from './work.ts';

/** Two hosts each, so that tasks wait for tasks on another host. */
const CLUSTERS: Readonly<Record<string, readonly string[]>> = { left: ['h1', 'h2'], right: ['h3', 'h4'] };
/** Beside the one that runs, one waits in each queue. */
const JOBS_AT_A_TIME = 2;
const COMMANDS = [
  { command: 'restart', target: { service: 'ledger' } },
  { command: 'check', target: { service: 'ledger' } },
];
const READ_SPOOLS_EVERY_MS = 2_000;
const LOG_TAIL = 20_000;

export interface FaultsOptions {
  readonly kills: number;
  readonly seed: number;
  /** Jobs are asked for until all kills are done and there were so many tasks. */
  readonly tasks: number;
  readonly progress?: (done: number, tasks: number) => void;
  /** Ends the run early; everything that it started is ended too. */
  readonly signal?: AbortSignal;
}

export interface FaultsOutcome {
  readonly rules: readonly RuleOutcome[];
  readonly killed: Readonly<Record<Target, number>>;
  readonly tasks: number;
  /** Attempts by how they ended, such as SUCCESSFUL or FAILED LOST. */
  readonly attempts: Readonly<Record<string, number>>;
}

/**
 * Kills server, agents and runners at random while they carry out jobs whose effects are counted in a ledger, lets
 * everything come to rest and judges it.
 */
export async function runFaults(options: FaultsOptions): Promise<FaultsOutcome> {
  const { signal } = options;
  const world = await World.start({
    stacks: ['core/cli/e2e/fixtures/ledger'],
    hosts: Object.values(CLUSTERS).flat(),
  });
  const spools = [...world.hosts.values()].map(({ name, root }) => new StartsOfSpool(name, root));
  const reading = setInterval(() => void read(spools), READ_SPOOLS_EVERY_MS);
  let chaos: Chaos | undefined;
  try {
    const bystanders = await startBystanders(world);
    const before = componentProcessesBelow(world.dir);
    chaos = new Chaos(world);
    const work = new Work(() => world.api);
    await Promise.race([killWhileWorking(chaos, work, options), ...(signal ? [aborted(signal)] : [])]);
    await chaos.settled();
    await world.untilServerAnswers();
    for (const name of world.hosts.keys()) await world.untilReached(name);
    const { jobs, onServer } = await work.seen();
    await read(spools);
    const ledgers = await Promise.all([...world.hosts.values()].map(({ name, root }) => readLedger(name, root)));
    const evidence: Evidence = {
      ledger: ledgers.flat(),
      starts: spools.flatMap(({ starts }) => starts),
      killed: chaos.killedRunners,
      jobs,
      asked: { jobs: work.asked + bystanders, onServer },
      components: { before, after: componentProcessesBelow(world.dir) },
      crashes: chaos.crashes,
    };
    return outcomeOf(evidence, chaos.counts);
  } catch (error) {
    if (signal?.aborted) throw error;
    const log = (await world.serverLog()).slice(-LOG_TAIL);
    throw new Error(`${(error as Error).message}\n--- server log\n${log}`, { cause: error });
  } finally {
    clearInterval(reading);
    chaos?.stop();
    await chaos?.settled();
    await world.close();
  }
}

/** Until all kills are done and there were enough tasks, and every job that was asked for has ended. */
async function killWhileWorking(chaos: Chaos, work: Work, { kills, seed, tasks, progress }: FaultsOptions) {
  let [killsDone, tasksDone] = [0, 0];
  const run = async (cluster: string, command: unknown): Promise<void> => {
    const ended = await work.run(cluster, command);
    tasksDone += ended;
    progress?.(killsDone, tasksDone);
  };
  const lane = async (cluster: string, first: number): Promise<void> => {
    for (let n = first; killsDone < kills || tasksDone < tasks; n++) await run(cluster, COMMANDS[n % COMMANDS.length]);
  };
  const working = Object.entries(CLUSTERS).map(async ([cluster, hosts]) => {
    await run(cluster, addLedger(hosts));
    await Promise.all(Array.from({ length: JOBS_AT_A_TIME }, (_, first) => lane(cluster, first)));
  });
  const killing = chaos.carryOut(killPlan({ kills, seed }), (done) => {
    killsDone = done;
    progress?.(killsDone, tasksDone);
  });
  await Promise.all([...working, killing]);
}

async function read(spools: readonly StartsOfSpool[]): Promise<void> {
  for (const spool of spools) await spool.read();
}

/** Rejects when it is aborted; else never settles. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

/** One component process on every host; answers with how many jobs. */
async function startBystanders({ api }: World): Promise<number> {
  for (const [name, hosts] of Object.entries(CLUSTERS)) {
    await api.post('/clusters', { name, hosts });
    const { id, state } = await api.run(name, {
      command: 'add',
      services: [{ service: 'bystander', components: { sleeper: hosts } }],
    });
    if (state !== 'SUCCESSFUL') throw new Error(await api.story(id));
  }
  return Object.keys(CLUSTERS).length;
}

function addLedger(hosts: readonly string[]) {
  return { command: 'add', services: [{ service: 'ledger', components: { step: hosts, follower: hosts } }] };
}

function outcomeOf(evidence: Evidence, killed: FaultsOutcome['killed']): FaultsOutcome {
  const attempts: Record<string, number> = {};
  for (const { state, reason } of evidence.jobs.flatMap((job) => job.attempts)) {
    const how = state === 'FAILED' ? `${state} ${reason}` : state;
    attempts[how] = (attempts[how] ?? 0) + 1;
  }
  const tasks = evidence.jobs.reduce((sum, job) => sum + job.tasks.length, 0);
  return { rules: judge(evidence), killed: { ...killed }, tasks, attempts };
}
