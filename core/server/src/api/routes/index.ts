import type { Route } from '@stackyard/contract';
import { actionRoutes } from './actions.ts';
import { authorityRoutes } from './authority.ts';
import { bundleRoutes } from './bundles.ts';
import { clusterRoutes } from './clusters.ts';
import { commandRoutes } from './commands.ts';
import { configRoutes } from './configs.ts';
import { deliveryRoutes } from './deliveries.ts';
import { eventRoutes } from './events.ts';
import { hostRoutes } from './hosts.ts';
import { jobRoutes } from './jobs.ts';
import { logRoutes } from './logs.ts';
import type { RouteParts } from './parts.ts';
import { pluginRoutes } from './plugins.ts';
import { recommendationRoutes } from './recommendations.ts';
import { registryRoutes } from './registries.ts';
import { serverRoutes } from './server.ts';
import { serviceRoutes } from './services.ts';
import { stackRoutes } from './stacks.ts';
import { trustRoutes } from './trust.ts';

export type { RouteParts } from './parts.ts';

const tables = [
  serverRoutes,
  pluginRoutes,
  authorityRoutes,
  stackRoutes,
  trustRoutes,
  deliveryRoutes,
  registryRoutes,
  bundleRoutes,
  hostRoutes,
  clusterRoutes,
  serviceRoutes,
  actionRoutes,
  configRoutes,
  commandRoutes,
  recommendationRoutes,
  jobRoutes,
  logRoutes,
  eventRoutes,
];

/** Every operation of the REST API. */
export function apiRoutes(parts: RouteParts): Route[] {
  return tables.flatMap((table) => table(parts));
}
