import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createLogger, StackyardError } from '@stackyard/kernel';
import { type RunningServer, startServer } from '@stackyard/server';
import { CliError } from '../errors.ts';
import { JAVA_RUNTIME } from '@stackyard/sdk/manifest';
import type { Terminal } from '../output/terminal.ts';
import { givenAgents, packagedAgent } from './agentSoftware.ts';
import { explained } from './explained.ts';
import { loadServerPlugins } from './plugins.ts';
import { serverSettings, type ServerSettings } from './settings.ts';
import { stackFiles } from './stackFiles.ts';

export interface ServerFlags {
  readonly config?: string;
  readonly dataDir?: string;
  readonly port?: number;
  readonly agentPort?: number;
  readonly agentHost?: string;
  readonly enrolmentPort?: number;
  readonly advertisedHost?: string;
  readonly stack?: readonly string[];
  readonly plugin?: readonly string[];
  readonly withoutPlugin?: readonly string[];
  readonly packageOrigin?: string;
  readonly logLevel?: string;
  readonly json?: boolean;
}

/** Flags win over the environment, that over the file. @throws CliError with everything that is wrong */
export function readServerSettings(flags: ServerFlags, env: Terminal['env']): ServerSettings {
  try {
    const settings = serverSettings.read({
      overrides: {
        dataDir: flags.dataDir,
        databaseUrl: env['STACKYARD_SERVER_DATABASE_URL'] ? undefined : env['DATABASE_URL'] || undefined,
        http: { port: flags.port },
        agents: { host: flags.agentHost, port: flags.agentPort },
        enrolment: { port: flags.enrolmentPort },
        advertisedHost: flags.advertisedHost,
        packages: { origin: flags.packageOrigin as 'auto' | undefined },
        stacks: flags.stack ? [...flags.stack] : undefined,
        plugins: flags.plugin ? [...flags.plugin] : undefined,
        withoutPlugins: flags.withoutPlugin ? [...flags.withoutPlugin] : undefined,
        logLevel: flags.logLevel as 'info' | undefined,
      },
      env,
      file: flags.config,
    });
    checkLiveness(settings.liveness);
    return settings;
  } catch (error) {
    if (error instanceof StackyardError) throw new CliError(error.message, 2, { cause: error });
    throw error;
  }
}

/** An agent starts nothing in the last two seconds of its lease, and a lost heartbeat must not end one. */
const LEASE_MARGIN_MS = 2_000;

function checkLiveness({ heartbeatMs, leaseMs, lostAfterMs }: ServerSettings['liveness']): void {
  const least = 2 * heartbeatMs + LEASE_MARGIN_MS;
  if (leaseMs < least)
    throw new CliError(
      `liveness.leaseMs is ${leaseMs}, which is too short for a heartbeat every ${heartbeatMs} ms. Use ${least} or more.`,
      2,
    );
  if (lostAfterMs < leaseMs)
    throw new CliError(`liveness.lostAfterMs is ${lostAfterMs}, shorter than the lease. Use ${leaseMs} or more.`, 2);
}

const DAY_MS = 86_400_000;

function inMilliseconds({ eventsDays, auditDays, lateResultsDays }: ServerSettings['retention']) {
  return { eventsMs: eventsDays * DAY_MS, auditMs: auditDays * DAY_MS, lateMs: lateResultsDays * DAY_MS };
}

/** The runtime for hosts without Java, as a package like any other. */
function packagesOf({ javaRuntime, ...packages }: ServerSettings['packages']) {
  if (!javaRuntime) return packages;
  const { version, url } = javaRuntime;
  return { ...packages, javaRuntime: { name: JAVA_RUNTIME, version, origins: { url: [...url] } } };
}

/** Those of the settings; where they name none, the one that npm is told to use by npm_config_registry. */
export function registriesOf(
  named: ServerSettings['registries'],
  env: Terminal['env'],
): readonly ServerSettings['registries'][number][] {
  const twice = named.find(({ name }, at) => named.findIndex((other) => other.name === name) !== at);
  if (twice) throw new CliError(`registries: two are called ${twice.name}. Give each a name of its own.`, 2);
  const usual = env['npm_config_registry'] ?? '';
  if (named.length > 0 || !URL.canParse(usual)) return named;
  const { protocol, username, password } = new URL(usual);
  if (protocol !== 'https:' || username !== '' || password !== '') return named;
  return [{ name: 'npm', url: usual, scopes: [], insecure: false, hosts: [] }];
}

/** Runs the server until SIGTERM or SIGINT. @returns the exit code */
export async function runServer(flags: ServerFlags, terminal: Terminal): Promise<number> {
  const settings = readServerSettings(flags, terminal.env);
  const dataDir = resolve(settings.dataDir);
  const stopped = Promise.withResolvers<number>();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stopped.resolve(0));
  const log = createLogger({ level: settings.logLevel, pretty: terminal.errIsTerminal });
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const [stacks, plugins] = await Promise.all([
    stackFiles(settings.stacks, join(dataDir, 'stacks')),
    loadServerPlugins(settings.plugins, { dataDir, without: settings.withoutPlugins }),
  ]);
  const server = await startServer({
    dataDir,
    databaseUrl: settings.databaseUrl,
    http: settings.http,
    agents: settings.agents,
    engine: { ...settings.liveness, retention: inMilliseconds(settings.retention) },
    enrolment: { host: settings.enrolment.host ?? settings.agents.host, port: settings.enrolment.port },
    identity: {
      advertisedHost: settings.advertisedHost,
      names: settings.certificates.names,
      certificateLifeMs: settings.certificates.lifeSeconds * 1000,
    },
    keepLogsMs: settings.retention.logsDays * DAY_MS,
    packages: packagesOf(settings.packages),
    registries: registriesOf(settings.registries, terminal.env),
    stacks,
    agentSoftware: givenAgents(packagedAgent(join(dataDir, 'agents/node')), settings.agentBundles),
    plugins: plugins.map(({ plugin }) => plugin),
    pluginPackages: Object.fromEntries(plugins.map(({ plugin, found }) => [plugin.id, found])),
    egress: settings.egress,
    log,
    onFatal(error) {
      log.fatal({ err: error }, 'The server cannot go on');
      stopped.resolve(1);
    },
  }).catch((error: unknown) => {
    throw explained(
      error,
      plugins.map(({ plugin }) => plugin.id),
    );
  });
  announce(server, flags, terminal);
  setImmediate(giveBack);
  const code = await stopped.promise;
  await server.stop();
  return code;
}

/** A start reads and compiles ten times as much as is kept of it: a quarter of the memory of an idle server, for 0.1 s. */
function giveBack(): void {
  globalThis.gc?.({ type: 'major', flavor: 'last-resort', execution: 'sync' });
}

function announce(server: RunningServer, flags: ServerFlags, terminal: Terminal): void {
  const { url, agentEndpoint, enrolmentEndpoint, tokenFile } = server;
  if (flags.json) {
    terminal.out(`${JSON.stringify({ url, agentEndpoint, enrolmentEndpoint, tokenFile })}\n`);
    return;
  }
  terminal.out(
    `Stackyard  ${url}\nAPI        ${url}/api/v1/docs\nAgents     ${agentEndpoint}\nEnrolment  ${enrolmentEndpoint}\nToken      ${tokenFile}\n`,
  );
  terminal.err(`Commands speak to it with STACKYARD_URL=${url} STACKYARD_TOKEN_FILE=${tokenFile}\n`);
}
