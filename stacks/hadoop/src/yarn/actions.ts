import { action, type Host, p } from '@stackyard/sdk';
import { active, ask, hadoop, manager, nodes, rmadmin } from './ask.ts';
import { queues, RESOURCEMANAGER, yarnSite } from './site.ts';

const STATES = ['RUNNING', 'ACCEPTED', 'FINISHED', 'FAILED', 'KILLED'] as const;
const TOLD = ['id', 'name', 'user', 'queue', 'state', 'finalStatus', 'progress', 'allocatedMB'];

/** The active one reads them now; the others read their own file when they take over. */
export async function refreshQueues(host: Host): Promise<void> {
  sharesAreWhole(host);
  await rmadmin(host, '-refreshQueues');
}

/** A ResourceManager refuses other shares in words that name no queue. */
function sharesAreWhole(host: Host): void {
  const shares = Object.entries(host.get(queues.queues));
  const sum = shares.reduce((all, [, share]) => all + Number(share), 0);
  if (Math.abs(sum - 100) < 0.001) return;
  const each = shares.map((share) => share.join(' ')).join(', ');
  throw new Error(`Shares of queues are ${sum} % together, and have to be 100 %: ${each}. Change them in the config.`);
}

/** Shares are single-precision numbers: 60 comes back as 60.000004. */
const rounded = (value: string | number | undefined) =>
  typeof value === 'number' ? Math.round(value * 100) / 100 : (value ?? null);

export const actions = {
  applications: action({
    title: 'List applications',
    help: 'Applications in a state, the newest first',
    idempotent: true,
    input: {
      state: p.enum(STATES, 'RUNNING').help('In which state they are'),
      limit: p.int(50).min(1).max(1000).help('How many at most'),
    },
    run: async (host, { state, limit }) => {
      const { apps } = await ask(host, `/apps?states=${state}&limit=${limit}`);
      const found = (apps as { app?: readonly Record<string, string>[] } | null)?.app ?? [];
      return found.map((each) => Object.fromEntries(TOLD.map((name) => [name, each[name] ?? null])));
    },
  }),
  kill: action({
    title: 'Kill an application',
    help: 'Ends an application and all its containers',
    danger: 'What the application has done so far is lost',
    idempotent: true,
    input: {
      application: p
        .text()
        .pattern(/application_\d+_\d+/)
        .help('Its id'),
    },
    run: async (host, { application }) => {
      await hadoop(host, 'org.apache.hadoop.yarn.client.cli.ApplicationCLI', 'application', '-kill', application);
      const { app } = await ask(host, `/apps/${application}`);
      return { application, state: (app as Record<string, string>)['state'] ?? null };
    },
  }),
  nodes: action({
    title: 'List nodes',
    help: 'Every NodeManager as the ResourceManager sees it',
    idempotent: true,
    run: async (host) =>
      (await nodes(host)).map(({ id, state, numContainers, version }) => ({ id, state, numContainers, version })),
  }),
  queues: action({
    title: 'List queues',
    help: 'Shares of queues and what of them is used',
    idempotent: true,
    run: async (host) => {
      const { scheduler } = (await ask(host, '/scheduler')) as unknown as {
        scheduler: { schedulerInfo: { queues: { queue: readonly Record<string, string | number>[] } } };
      };
      const told = ['queueName', 'capacity', 'maxCapacity', 'usedCapacity', 'numApplications', 'state'];
      return scheduler.schedulerInfo.queues.queue.map((queue) =>
        Object.fromEntries(told.map((name) => [name, rounded(queue[name])])),
      );
    },
  }),
  refreshQueues: action({
    title: 'Refresh queues',
    help: 'Reads the file of queues again, as each change of it does by itself',
    idempotent: true,
    run: refreshQueues,
  }),
  failover: action({
    title: 'Fail over',
    help: 'Lets another ResourceManager become the active one',
    danger: 'Clients wait some seconds while the other one reads what it has to know',
    run: failOver,
  }),
};

/**
 * Ends the active one, whose keeper starts it again. The tool of Hadoop would leave it with the lock of the election, and
 * then nobody takes over from the next.
 */
async function failOver(host: Host) {
  const before = await active(host);
  if (host.instances(RESOURCEMANAGER).length < 2) throw new Error('There is no other ResourceManager to take over.');
  if (before.ordinal !== host.self.ordinal)
    throw new Error(`${before.host} is the active one. Run the action on ${before.host}.`);
  const standby = await Promise.all(
    host.instances(RESOURCEMANAGER).map((each) => manager(host, each).catch(() => undefined)),
  );
  if (!standby.some((each) => each?.haState === 'STANDBY')) throw new Error('No other ResourceManager stands by.');
  const runtime = '/jmx?qry=java.lang:type=Runtime';
  const { beans } = (await host.fetchJson(host.get(yarnSite.webPort), runtime)) as { beans: { Name: string }[] };
  await host.run('kill', '-TERM', beans[0]!.Name.split('@')[0]!);
  for (;;) {
    const now = await active(host).catch(() => undefined);
    if (now && now.ordinal !== before.ordinal) return { from: before.host, to: now.host };
    await host.wait(200);
  }
}
