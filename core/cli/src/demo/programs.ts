import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DemoLayout } from './layout.ts';
import { endLeftover, type Program, Running } from './processes.ts';

const bin = fileURLToPath(new URL('../../bin/stackyard.mjs', import.meta.url));
const fromSources = existsSync(fileURLToPath(new URL('../main.ts', import.meta.url)));

export interface ServerAddress {
  readonly url: string;
  readonly agentEndpoint: string;
  readonly tokenFile: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** What our own variables say about another server is none of the children's business. */
const notForChildren = [
  'STACKYARD_URL',
  'STACKYARD_TOKEN',
  'STACKYARD_TOKEN_FILE',
  'STACKYARD_CONTEXT',
  'STACKYARD_CLUSTER',
  'DATABASE_URL',
];

function childEnv(env: Env): Env {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !notForChildren.includes(name)));
}

export function serverProgram(
  layout: DemoLayout,
  {
    port,
    agentPort,
    enrolmentPort,
    packageOrigin,
    stacks = [],
    env,
  }: {
    port: number;
    agentPort: number;
    enrolmentPort: number;
    packageOrigin: string | undefined;
    /** Instead of those of the settings. */
    stacks?: readonly string[];
    env: Env;
  },
): Program {
  const origin = packageOrigin === undefined ? [] : ['--package-origin', packageOrigin];
  return {
    name: 'the server',
    file: process.execPath,
    args: [
      bin,
      'server',
      '--json',
      '--data-dir',
      layout.server,
      '--port',
      `${port}`,
      '--agent-port',
      `${agentPort}`,
      '--enrolment-port',
      `${enrolmentPort}`,
      ...origin,
      ...stacks.flatMap((stack) => ['--stack', stack]),
    ],
    env: childEnv(env),
    logFile: layout.logFile('server'),
    pidFile: layout.pidFile('server'),
  };
}

/** Starts the server and waits until it listens. @throws CliError */
export async function startServerProcess(program: Program): Promise<{ running: Running; address: ServerAddress }> {
  const running = new Running(program);
  try {
    return { running, address: JSON.parse(await running.firstLine()) as ServerAddress };
  } catch (error) {
    await running.stop({ graceMs: 0 });
    throw error;
  }
}

export interface LocalHost {
  readonly name: string;
  readonly address: string;
}

export const FIRST_ADDRESS = '127.0.0.11';

/** host1 on 127.0.0.11, host2 on 127.0.0.12, … or from another first address on. */
export function localHosts(count: number, first: string = FIRST_ADDRESS): LocalHost[] {
  const bytes = first.split('.');
  const last = Number(bytes.pop());
  return Array.from({ length: count }, (_, index) => ({
    name: `host${index + 1}`,
    address: [...bytes, last + index].join('.'),
  }));
}

export interface AgentCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The agent's bundle, which is built where it is not there yet: idle agents take little memory that way. */
export async function agentCommand(): Promise<AgentCommand> {
  if (!fromSources) return { file: process.execPath, args: [bin, 'agent'], env: {} };
  const { buildBundle, bundleCommand } = await import('@stackyard/agent');
  return bundleCommand(await buildBundle());
}

/** What a host joins by, and where its agent dials. */
export interface JoinTicket {
  readonly token: string;
  readonly enrolment: string;
  readonly authoritySha256: string;
  readonly server: string;
}

export function agentProgram(
  layout: DemoLayout,
  { host, command, ticket, env }: { host: LocalHost; command: AgentCommand; ticket: JoinTicket; env: Env },
): Program {
  const { name, address } = host;
  return {
    name: `the agent of ${name}`,
    file: command.file,
    args: [
      ...command.args,
      '--enrol',
      ticket.enrolment,
      '--ca-sha256',
      ticket.authoritySha256,
      '--server',
      ticket.server,
      '--root',
      layout.host(name),
      '--name',
      name,
      '--address',
      address,
      '--bind',
      address,
      '--local',
    ],
    env: { ...childEnv(env), ...command.env, STACKYARD_JOIN_TOKEN: ticket.token },
    logFile: layout.logFile(name),
    pidFile: layout.pidFile(name),
  };
}

/** Ends the server and the agents that a killed demo left; components stay and are found again by the new agents. */
export async function endLeftovers(layout: DemoLayout, hosts: readonly LocalHost[]): Promise<boolean> {
  const agents = await Promise.all(hosts.map(({ name }) => endLeftover(layout.pidFile(name), 10_000)));
  return [...agents, await endLeftover(layout.pidFile('server'), 30_000)].some(Boolean);
}
