import { join } from 'node:path';
import { definePlugin, Logger, provide, token } from '@stackyard/kernel';
import { Bundles } from '../agents/bundles.ts';
import { joinRoutes } from '../agents/joinRoutes.ts';
import { type EnrolmentRoute, EnrolmentRoutes } from '../enrolment/routes.ts';
import { ServerOptions } from './options.ts';

/** The agents that this server gives to hosts. */
export interface AgentBundles {
  readonly bundles: Bundles;
}
export const AgentBundles = token<AgentBundles>('server.AgentBundles');

class StoredBundles implements AgentBundles {
  readonly bundles: Bundles;

  constructor({ dataDir, agentSoftware }: ServerOptions) {
    this.bundles = new Bundles(join(dataDir, 'agents'), agentSoftware);
  }
}
provide(StoredBundles, ServerOptions);

class JoinFiles implements EnrolmentRoutes {
  readonly routes: readonly EnrolmentRoute[];

  constructor({ bundles }: AgentBundles, log: Logger) {
    this.routes = joinRoutes(bundles, log);
  }
}
provide(JoinFiles, AgentBundles, Logger);

export const agentSoftwarePlugin = definePlugin({
  id: 'server.agent-software',
  needs: [ServerOptions, Logger],
  register: (plugin) => plugin.provide(AgentBundles, StoredBundles).contribute(EnrolmentRoutes, JoinFiles),
});
