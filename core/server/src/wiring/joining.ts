import { HostJoining, Records, type Route, Routes } from '@stackyard/contract';
import { definePlugin, Logger, provide, token } from '@stackyard/kernel';
import { ServerJoining } from '../agents/joining.ts';
import { DatabaseRecords } from '../agents/records.ts';
import { updateRoutes } from '../agents/updateRoutes.ts';
import { AgentUpdates } from '../agents/updates.ts';
import { AgentBundles } from './agentSoftware.ts';
import { EngineParts } from './engine.ts';
import { EnrolmentListener } from './enrolment.ts';
import { ServerIdentity } from './identity.ts';
import { Operations } from './operations.ts';
import { Storage } from './storage.ts';

class WiredJoining extends ServerJoining {
  constructor(
    storage: Storage,
    identity: ServerIdentity,
    engine: EngineParts,
    listener: EnrolmentListener,
    { hosts }: Operations,
    { bundles }: AgentBundles,
  ) {
    super({
      em: storage.em,
      hosts,
      engine: engine.engine,
      bundles,
      terms: () => ({
        server: engine.agentEndpoint,
        enrol: listener.endpoint,
        authority: firstOf(identity.identity.trustedPem),
        authoritySha256: identity.identity.issuingSha256,
      }),
    });
  }
}
provide(WiredJoining, Storage, ServerIdentity, EngineParts, EnrolmentListener, Operations, AgentBundles);

/** The authority that signs comes first; another may take over from it, and is told to agents later. */
function firstOf(pem: string): string {
  return /^.*?-----END CERTIFICATE-----\n/s.exec(pem)?.[0] ?? pem;
}

/** Updates of agents, for the routes and for the plugin's start. */
const Updates = token<AgentUpdates>('server.AgentUpdates');

class WiredUpdates extends AgentUpdates {
  constructor(storage: Storage, { engine }: EngineParts, { bundles }: AgentBundles, records: Records, log: Logger) {
    super({ em: storage.em, engine, bundles, records, log });
  }
}
provide(WiredUpdates, Storage, EngineParts, AgentBundles, Records, Logger);

class UpdateRoutes implements Routes {
  readonly routes: readonly Route[];

  constructor(updates: AgentUpdates) {
    this.routes = updateRoutes(updates);
  }
}
provide(UpdateRoutes, Updates);

class StoredRecords extends DatabaseRecords {
  constructor(storage: Storage) {
    super(storage.em, () => storage.writer);
  }
}
provide(StoredRecords, Storage);

export const joiningPlugin = definePlugin({
  id: 'server.joining',
  needs: [Storage, ServerIdentity, EngineParts, EnrolmentListener, Operations, AgentBundles, Logger],
  register: (plugin) =>
    plugin
      .provide(HostJoining, WiredJoining)
      .provide(Records, StoredRecords)
      .provide(Updates, WiredUpdates)
      .contribute(Routes, UpdateRoutes),
  async start(plugin) {
    const updates = plugin.resolve(Updates);
    await updates.recover();
    return () => updates.stop();
  },
});
