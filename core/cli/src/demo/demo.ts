import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { apiOf } from '../api/client.ts';
import { readToken } from '../connection/connection.ts';
import { CancelledError, CliError, JobEndedError } from '../errors.ts';
import { EXIT } from '../exitCodes.ts';
import { step } from '../output/step.ts';
import { colours, type Terminal } from '../output/terminal.ts';
import { CLUSTER, DemoCluster } from './cluster.ts';
import { storeContext } from './context.ts';
import { Fleet } from './fleet.ts';
import { type DemoLayout, lockDemo, openLayout, readState, writeState } from './layout.ts';
import { freePort, listenProblem } from './ports.ts';
import { preflight } from './preflight.ts';
import { demoStacks } from './stacks.ts';
import { agentCommand, endLeftovers, FIRST_ADDRESS, localHosts } from './programs.ts';
import { Interrupts } from './interrupts.ts';
import { readyText } from './words.ts';

export interface DemoOptions {
  readonly json?: boolean;
  readonly stack?: string;
  readonly hosts?: number;
  readonly address?: string;
  readonly dataDir: string;
  readonly port: number;
  readonly packageOrigin?: string;
}

/** Runs the demo until Ctrl-C. @returns the exit code */
export async function runDemo(options: DemoOptions, terminal: Terminal): Promise<number> {
  const layout = openLayout(options.dataDir);
  const before = readState(layout);
  const stacks = demoStacks(options.stack, before && (before.stacks ?? ['@stack/zookeeper']));
  const sources = stacks.map(({ source }) => source);
  const unlock = lockDemo(layout);
  const interrupts = new Interrupts();
  const fleet = new Fleet(layout, terminal, interrupts);
  try {
    const first = before?.address ?? options.address ?? FIRST_ADDRESS;
    if (options.address !== undefined && options.address !== first)
      throw new CliError(`The hosts in ${layout.dir} have addresses from ${first} on. Give others another --data-dir.`);
    const hosts = localHosts(Math.max(options.hosts ?? before?.hosts ?? 3, before?.hosts ?? 0), first);
    const remembered = { hosts: hosts.length, address: first, stacks: sources };
    if (await endLeftovers(layout, hosts))
      terminal.err(
        'A demo that was killed had left its server or agents behind: they were ended, and what they managed is taken over.\n',
      );
    await requireReady(layout, terminal, {
      port: options.port,
      addresses: hosts.map(({ address }) => address),
      origin: options.packageOrigin,
      stacks: sources,
    });
    const agentPort = await portForHosts(before?.agentPort);
    const enrolmentPort = await portForHosts(before?.enrolmentPort);
    const ports = { agentPort, enrolmentPort };
    writeState(layout, { ...remembered, ...ports });
    await interrupts.orElse(async (signal) => {
      // Building the agent takes a moment at the first start, in which the server starts.
      const building = agentCommand();
      building.catch(() => undefined);
      const address = await step(
        terminal,
        'Starting the server',
        () =>
          fleet.startServer({ port: options.port, ...ports, packageOrigin: options.packageOrigin, stacks: sources }),
        ({ url }) => `The server is ready at ${url}`,
      );
      writeState(layout, { ...remembered, ...ports, url: address.url });
      const token = await readToken(address.tokenFile);
      const api = apiOf({ url: address.url, token });
      const cluster = new DemoCluster(api, terminal, signal);
      fleet.cluster = (stopSignal) => new DemoCluster(api, terminal, stopSignal);
      await step(
        terminal,
        `Starting ${hosts.length} agents`,
        async () => {
          const command = await building;
          await Promise.all(
            hosts.map(async (host) => fleet.startAgent(host, { command, ticket: await cluster.joinToken(host.name) })),
          );
          await cluster.untilReachable(hosts);
        },
        () =>
          `${hosts.length} local hosts have joined: ${hosts.map(({ name, address: at }) => `${name} (${at})`).join(', ')}`,
      );
      await cluster.bringUp(await cluster.ensureCluster(hosts), stacks);
      const components = await step(
        terminal,
        'Waiting until all is healthy',
        () => cluster.untilHealthy(),
        () => `Cluster ${CLUSTER} is healthy`,
      );
      const exports = await cluster.exports();
      const { url, tokenFile } = address;
      const context = await storeContext(terminal, { url, tokenFile, cluster: CLUSTER }, 'demo');
      if (options.json) {
        terminal.out(`${JSON.stringify({ url: address.url, token, exports })}\n`);
      } else {
        const shown = {
          url: address.url,
          tokenFile: shortest(address.tokenFile),
          exports,
          components,
          command: 'npx stackyard',
          context,
        };
        terminal.out(readyText(shown, terminal.outIsTerminal ? terminal.colours : colours(false)));
      }
    });
    // From here on Ctrl-C is what is waited for.
    await interrupts.first;
    return EXIT.ok;
  } catch (error) {
    return ended(error, terminal);
  } finally {
    await fleet.stop();
    unlock();
    interrupts.end();
  }
}

/** What was said already is not said again. */
function ended(error: unknown, terminal: Terminal): number {
  if (error instanceof CancelledError && error.message === '') return EXIT.cancelled;
  if (error instanceof JobEndedError) {
    terminal.err('  The server and its agents are being stopped; the next start runs what is left.\n');
    return error.exitCode;
  }
  throw error;
}

async function requireReady(
  layout: DemoLayout,
  terminal: Terminal,
  {
    port,
    addresses,
    origin,
    stacks,
  }: { port: number; addresses: readonly string[]; origin: string | undefined; stacks: readonly string[] },
): Promise<void> {
  const fetched = existsSync(join(layout.server, 'packages', 'index.json'));
  const problems = await preflight({
    dir: layout.dir,
    port,
    addresses,
    stacks,
    needsMaven: !fetched && origin !== 'url',
    env: terminal.env,
  });
  if (problems.length > 0) throw new CliError(problems.join('\n  '));
}

/** Agents know the ports that they dial; a new one is only taken when somebody else has it. */
async function portForHosts(before: number | undefined): Promise<number> {
  if (before !== undefined && (await listenProblem('127.0.0.1', before)) === undefined) return before;
  return freePort('127.0.0.1');
}

function shortest(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') || near.length >= path.length ? path : near;
}
