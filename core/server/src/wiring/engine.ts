import { join } from 'node:path';
import { Clock, definePlugin, Logger, provide, token } from '@stackyard/kernel';
import { readCluster } from '../commands/clusterState.ts';
import { SnapshotEnvelopes } from '../commands/envelopes.ts';
import { PresentStates } from '../commands/presentStates.ts';
import { createEngine, type RunningEngine } from '../engine/engine.ts';
import type { LogStore } from '../engine/ports.ts';
import { DiskLogStore } from '../engine/logs.ts';
import { removeOldLogsHourly } from '../engine/oldLogs.ts';
import { PackageUnknownError } from '../packages/index.ts';
import { AgentBundles } from './agentSoftware.ts';
import { Catalogue } from './catalogue.ts';
import { PortTakenError } from './errors.ts';
import { endpoint } from './endpoint.ts';
import { ServerOptions } from './options.ts';
import { ServerIdentity } from './identity.ts';
import { Secrets } from './secrets.ts';
import { Storage } from './storage.ts';

/** Queue, scheduler and the sessions of the agents. */
export interface EngineParts {
  readonly engine: RunningEngine;
  readonly logs: LogStore;
  /** host:port that agents dial. */
  readonly agentEndpoint: string;
}
export const EngineParts = token<EngineParts>('server.Engine');

/** What agents ask for a bundle of themselves by, before its SHA-256. */
const AGENT = 'agent-sha256-';

class WiredEngine implements EngineParts {
  readonly engine: RunningEngine;
  readonly logs: LogStore;
  readonly #options: ServerOptions;
  #port: number | undefined;

  constructor(
    options: ServerOptions,
    storage: Storage,
    { identity }: ServerIdentity,
    catalogue: Catalogue,
    agents: AgentBundles,
    { seals }: Secrets,
    log: Logger,
    clock: Clock,
  ) {
    const { writer, db, epoch } = storage;
    const { stacks } = catalogue;
    this.#options = options;
    this.logs = new DiskLogStore({ dir: logsDir(options) });
    const present = new PresentStates(
      async (clusterId) =>
        (
          await readCluster(clusterId, {
            sql: db.sql,
            stacks,
            reachable: () => true,
            javaRuntime: catalogue.javaRuntime,
          })
        )?.state,
    );
    const envelopes = new SnapshotEnvelopes({
      stacks,
      packages: catalogue.packages,
      events: writer,
      log,
      present: async (hostId) => {
        const { rows } = await db.sql.query<{ clusterId: string | null }>({
          name: 'cluster-of-host',
          text: 'select cluster_id as "clusterId" from host where id = $1',
          values: [hostId],
        });
        return rows[0]?.clusterId ? present.of(rows[0].clusterId) : undefined;
      },
    });
    const blobs = {
      open: async (digest: string) =>
        digest.startsWith(AGENT)
          ? agents.bundles.open(digest.slice(AGENT.length))
          : digest.startsWith('sha512-')
            ? stacks.open(digest)
            : catalogue.packages.open(digest).catch((error: unknown) => {
                // What an agent asks for that is not here is its own mistake, not a fault of the server.
                if (error instanceof PackageUnknownError) return undefined;
                throw error;
              }),
    };
    this.engine = createEngine({
      db,
      writer,
      epoch,
      identity,
      envelopes,
      logs: this.logs,
      blobs,
      openSecret: (at, sealed) => seals.open(at, sealed),
      log,
      clock,
      settings: options.engine ?? {},
    });
  }

  async listen(): Promise<void> {
    const { host, port } = this.#options.agents;
    try {
      this.#port = (await this.engine.listen({ host, port })).port;
    } catch (error) {
      // gRPC has a sentence of its own around the code.
      if (error instanceof Error && error.message.includes('EADDRINUSE'))
        throw new PortTakenError({ host, port, purpose: 'the port that agents dial' }, { cause: error });
      throw error;
    }
  }

  get agentEndpoint(): string {
    return endpoint(this.#options, { host: this.#options.agents.host, port: this.#port ?? this.#options.agents.port });
  }
}
function logsDir({ dataDir }: ServerOptions): string {
  return join(dataDir, 'logs');
}
provide(WiredEngine, ServerOptions, Storage, ServerIdentity, Catalogue, AgentBundles, Secrets, Logger, Clock);

export const enginePlugin = definePlugin({
  id: 'server.engine',
  needs: [ServerOptions, Storage, ServerIdentity, Catalogue, AgentBundles, Secrets, Logger, Clock],
  register: (plugin) => plugin.provide(EngineParts, WiredEngine),
  async start(plugin) {
    const parts = plugin.resolve(EngineParts) as WiredEngine;
    try {
      await parts.engine.start();
      await parts.listen();
    } catch (error) {
      await parts.engine.stop();
      throw error;
    }
    const options = plugin.resolve(ServerOptions);
    const { keepLogsMs: keepMs } = options;
    const now = (): number => plugin.resolve(Clock).now().getTime();
    const swept = keepMs && removeOldLogsHourly({ dir: logsDir(options), keepMs, now, log: plugin.resolve(Logger) });
    return async () => {
      if (swept) await swept();
      await parts.engine.stop();
    };
  },
});
