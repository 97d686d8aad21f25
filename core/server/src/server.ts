import { createKernel, type Logger, Logger as LoggerToken, PluginStartError } from '@stackyard/kernel';
import { agentSoftwarePlugin } from './wiring/agentSoftware.ts';
import { apiPlugin, Http } from './wiring/api.ts';
import { cataloguePlugin } from './wiring/catalogue.ts';
import { distributionPlugin } from './wiring/distribution.ts';
import { enginePlugin, EngineParts } from './wiring/engine.ts';
import { EnrolmentListener, enrolmentPlugin } from './wiring/enrolment.ts';
import { forPluginsPlugin } from './wiring/forPlugins.ts';
import { identityPlugin, ServerIdentity } from './wiring/identity.ts';
import { joiningPlugin } from './wiring/joining.ts';
import { operationsPlugin } from './wiring/operations.ts';
import { Fatal, ServerOptions } from './wiring/options.ts';
import { previewsPlugin } from './wiring/previews.ts';
import { secretsPlugin } from './wiring/secrets.ts';
import { statsPlugin } from './wiring/stats.ts';
import { storagePlugin } from './wiring/storage.ts';

export type { Address, EngineSettings } from './wiring/options.ts';

/** The server's own parts; a platform plugin stands beside them, not above. */
export const serverPlugins = [
  storagePlugin,
  secretsPlugin,
  identityPlugin,
  agentSoftwarePlugin,
  cataloguePlugin,
  distributionPlugin,
  previewsPlugin,
  enginePlugin,
  enrolmentPlugin,
  statsPlugin,
  operationsPlugin,
  joiningPlugin,
  forPluginsPlugin,
  apiPlugin,
];

export interface StartOptions extends ServerOptions {
  readonly log: Logger;
  /** Told once when the server can no longer do its work; it has to be stopped then. */
  readonly onFatal: (error: Error) => void;
}

export interface RunningServer {
  /** http://host:port, without a path. */
  readonly url: string;
  /** host:port that agents dial. */
  readonly agentEndpoint: string;
  /** host:port where hosts join, by HTTPS. */
  readonly enrolmentEndpoint: string;
  /** SHA-256 (DER, hex) of the authority that signs, which hosts pin when they join. */
  readonly authoritySha256: string;
  /** Holds the administrator's token, 0600. */
  readonly tokenFile: string;
  readonly token: string;
  /** Ends listeners, engine and database, in this order. Running tasks go on; their results are taken at the next start. */
  stop(): Promise<void>;
}

/**
 * Starts a server: its own parts and the plugins, wired by the kernel. When it returns, everything listens.
 *
 * @throws what stands in the way, in one sentence; PluginStartError when it is a platform plugin that does not start.
 */
export async function startServer({ log, onFatal, ...options }: StartOptions): Promise<RunningServer> {
  const kernel = await createKernel()
    .value(LoggerToken, log)
    .value(ServerOptions, options)
    .value(Fatal, { report: onFatal })
    .load(...serverPlugins, ...options.plugins)
    .start()
    .catch((error: unknown) => Promise.reject(plainly(error)));
  const { url, tokenFile, token } = kernel.resolve(Http);
  return {
    url,
    tokenFile,
    token,
    agentEndpoint: kernel.resolve(EngineParts).agentEndpoint,
    enrolmentEndpoint: kernel.resolve(EnrolmentListener).endpoint,
    authoritySha256: kernel.resolve(ServerIdentity).identity.issuingSha256,
    stop: () => kernel.stop(),
  };
}

/** An operator did not choose the server's own parts, so what stands in their way is said without naming them. */
function plainly(error: unknown): unknown {
  const own = error instanceof PluginStartError && serverPlugins.some(({ id }) => id === error.fields.plugin);
  return own && error.cause instanceof Error ? error.cause : error;
}
