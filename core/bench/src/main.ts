import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { benchCommand50 } from './command50.ts';
import { type Figure, lineHeader, lineOf, type Report } from './figures.ts';
import { benchFirstLine } from './firstLine.ts';
import { benchFleet } from './fleet.ts';
import { benchLatency } from './latency.ts';
import { benchLogs } from './logs.ts';
import { load, machine, untilQuiet } from './machine.ts';
import { benchPlanner } from './planner.ts';
import { benchRest } from './rest.ts';
import { benchStackDev } from './stackDev.ts';
import { benchStartup, reportMemory } from './startup.ts';
import { benchThroughput } from './throughput.ts';
import { benchWriter } from './writer.ts';
import { type Section, writeReadme } from './readme.ts';
import { World } from './world/world.ts';

const HELP = `npm run bench -- [planner | startup | rest | latency | writer | first-line | command50 | throughput | logs | fleet | stack-dev]… [--write] [--quiet SECONDS] [--profile DIR]

  --write   puts the figures into core/bench/README.md
  --quiet   waits up to so many seconds, before each bench, until the machine has little else to do
  --profile leaves a processor profile of each server in this directory
`;

const benches = {
  planner: async ({ report }) => void benchPlanner({ report }),
  startup: async ({ report }) => {
    await benchStartup({ report });
    await inWorld(async (world) => {
      const agent = await world.startAgent('real');
      const pids = async () => ({ server: world.server.pid, postmaster: await world.postmasterPid() });
      await reportMemory({ what: 'idle', agent: agent.pid, ...(await pids()) }, report);
    });
  },
  rest: async ({ report }) => {
    await inWorld(async (world) => {
      await makeSmallCluster(world);
      await benchRest(world, { cluster: 'rest', report });
    });
  },
  latency: async ({ report }) => {
    await inWorld(async (world) => {
      const agent = await world.startAgent('real');
      await world.startFleet(['sim']);
      await benchLatency(world, { report, jobs: 200 });
      const pids = { server: world.server.pid, postmaster: await world.postmasterPid(), agent: agent.pid };
      await reportMemory({ what: 'after 660 jobs', ...pids }, report);
    });
  },
  writer: benchWriter,
  'first-line': async ({ report }) => {
    await inWorld(async (world) => {
      await world.startAgent('script');
      await benchFirstLine(world, { report });
    });
  },
  command50: async ({ report }) => {
    await inWorld((world) => benchCommand50(world, { report }));
  },
  throughput: async ({ report }) => {
    await inWorld(async (world) => {
      await benchThroughput(world, { report });
      const pids = { server: world.server.pid, postmaster: await world.postmasterPid() };
      await reportMemory({ what: 'after jobs of thousands of tasks', ...pids }, report);
    });
  },
  logs: async ({ report }) => {
    await inWorld((world) => benchLogs(world, { report }));
  },
  fleet: async ({ report }) => {
    await inWorld((world) => benchFleet(world, { agents: 1_000, reconnect: true, report }));
    await inWorld((world) => benchFleet(world, { agents: 5_000, reconnect: true, report }));
  },
  'stack-dev': benchStackDev,
} satisfies Record<string, (options: { report: Report }) => Promise<void>>;
type Name = keyof typeof benches;

let world: World | undefined;
let profileDir: string | undefined;

async function inWorld(work: (world: World) => Promise<void>): Promise<void> {
  world = await World.make({ profileDir });
  try {
    await world.startServer();
    await work(world);
  } finally {
    await world.close();
    world = undefined;
  }
}

/** Ten hosts with two components each, and more jobs than a page holds. */
async function makeSmallCluster(world: World): Promise<void> {
  const { api } = world;
  const names = Array.from({ length: 10 }, (_, index) => `rest-${index + 1}`);
  await world.startFleet(names);
  await api.post('/clusters', { name: 'rest', hosts: names });
  await api.run('rest', {
    command: 'add',
    services: [{ service: 'mock', components: { worker: names, follower: names } }],
  });
  for (let n = 0; n < 50; n++) await api.run('rest', { command: 'check', target: { hosts: [names[0]] } });
}

async function main(): Promise<void> {
  const options = {
    write: { type: 'boolean' },
    quiet: { type: 'string' },
    profile: { type: 'string' },
    help: { type: 'boolean' },
  } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const unknown = positionals.filter((name) => !(name in benches));
  if (values.help || unknown.length > 0) {
    process.stdout.write(unknown.length > 0 ? `There is no bench called ${unknown.join(', ')}.\n${HELP}` : HELP);
    process.exitCode = unknown.length > 0 ? 2 : 0;
    return;
  }
  const chosen = (positionals.length > 0 ? positionals : Object.keys(benches)) as Name[];
  console.log(`${machine()}, ${new Date().toISOString().slice(0, 10)}`);
  if (values.profile) profileDir = resolve(values.profile);
  const sections: Section[] = [];
  for (const name of chosen) {
    if (values.quiet) await untilQuiet({ below: 1.5, withinMs: Number(values.quiet) * 1000 });
    const before = load();
    const figures: Figure[] = [];
    console.log(`\n${name} (load before it: ${before.toFixed(1)})\n${lineHeader}`);
    const report: Report = (figure) => {
      figures.push(figure);
      console.log(lineOf(figure));
    };
    await benches[name]({ report });
    sections.push({ name, load: before, figures });
  }
  if (values.write) await writeReadme(sections);
}

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stopping = true;
    void (world?.close() ?? Promise.resolve()).finally(() => process.exit(130));
  });
}
await main().catch((error: unknown) => {
  // What was being measured is torn down.
  if (!stopping) throw error;
});
