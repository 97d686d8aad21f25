import { definePlugin, Logger, provide, token } from '@stackyard/kernel';
import { Clusters } from '../clusters/clusters.ts';
import { Staleness } from '../clusters/staleness.ts';
import type { StateSources } from '../commands/clusterState.ts';
import { Commands } from '../commands/commands.ts';
import { Hosts } from '../hosts/hosts.ts';
import { Jobs } from '../jobs/jobs.ts';
import { Catalogue } from './catalogue.ts';
import { EngineParts } from './engine.ts';
import { Previews } from './previews.ts';
import { Secrets } from './secrets.ts';
import { Storage } from './storage.ts';

/** What users can do, whichever way they ask. */
export interface Operations {
  readonly commands: Commands;
  readonly clusters: Clusters;
  readonly hosts: Hosts;
  readonly jobs: Jobs;
  readonly staleness: Staleness;
  readonly sources: StateSources;
}
export const Operations = token<Operations>('server.Operations');

class ServerOperations implements Operations {
  readonly commands: Commands;
  readonly clusters: Clusters;
  readonly hosts: Hosts;
  readonly jobs: Jobs;
  readonly staleness: Staleness;
  readonly sources: StateSources;

  constructor(
    { em, writer, db }: Storage,
    { stacks, javaRuntime }: Catalogue,
    { renderer }: Previews,
    { engine }: EngineParts,
    { seals }: Secrets,
    log: Logger,
  ) {
    this.sources = { sql: db.sql, stacks, reachable: (hostId) => engine.reachable(hostId), javaRuntime };
    this.commands = new Commands({ em, statements: writer, sources: this.sources, renderer, engine, seals });
    this.clusters = new Clusters({ transactions: writer });
    this.hosts = new Hosts({ transactions: writer, engine });
    this.jobs = new Jobs({ em, sql: db.sql, engine, events: writer });
    this.staleness = new Staleness({ stacks, renderer, log });
  }
}
provide(ServerOperations, Storage, Catalogue, Previews, EngineParts, Secrets, Logger);

export const operationsPlugin = definePlugin({
  id: 'server.operations',
  needs: [Storage, Catalogue, Previews, EngineParts, Secrets, Logger],
  register: (plugin) => plugin.provide(Operations, ServerOperations),
});
