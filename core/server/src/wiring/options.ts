import { token, type Plugin } from '@stackyard/kernel';
import type { PackageManifest } from '@stackyard/sdk/manifest';
import type { AgentSoftware } from '../agents/software.ts';
import type { RegistrySettings } from '../registries/index.ts';

/** Where something listens. Port 0 takes a free one. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** How a server is to run. */
export interface ServerOptions {
  /** Everything the server keeps lies here, 0700: database, artifacts, packages, logs, the administrator's token. */
  readonly dataDir: string;
  /** The user's own PostgreSQL; the embedded one when absent. */
  readonly databaseUrl?: string | undefined;
  readonly http: Address;
  readonly agents: Address;
  /** Where hosts join. */
  readonly enrolment: Address;
  readonly identity?: IdentitySettings | undefined;
  readonly packages: {
    readonly origin: 'auto' | 'url' | 'maven';
    readonly mavenRepository?: string | undefined;
    /** For hosts whose own JDKs do not suit a service; the one that the SDK names when absent. */
    readonly javaRuntime?: PackageManifest | undefined;
  };
  /** npm registries that stacks may be installed from; the server asks no other. */
  readonly registries?: readonly RegistrySettings[] | undefined;
  /** Built artifacts to install at start. */
  readonly stacks: readonly string[];
  /** The agents to give to hosts; without them, hosts have to bring their own. */
  readonly agentSoftware?: AgentSoftware | undefined;
  /** Platform plugins to load beside the server's own parts. */
  readonly plugins: readonly Plugin[];
  /** The packages they came in, by id of the plugin. */
  readonly pluginPackages?: Readonly<Record<string, PluginPackage>> | undefined;
  /** Where plugins may go although it is this machine or its link: `host:port` each. */
  readonly egress?: { readonly allow: readonly string[] } | undefined;
  /** How long the output of tasks is kept, in milliseconds after its last byte; for ever when absent. */
  readonly keepLogsMs?: number | undefined;
  /** How soon silence of agents is noticed, and how long history is kept; what is usual when absent. */
  readonly engine?: EngineSettings | undefined;
}

export interface PluginPackage {
  readonly name: string;
  readonly version: string;
  /** The folder it was loaded from. */
  readonly folder: string;
}

export interface IdentitySettings {
  /** What hosts dial; the address that is listened on when absent, or this machine's name when that is any address. */
  readonly advertisedHost?: string | undefined;
  /** DNS names and addresses for the server's certificate, besides those of the machine. */
  readonly names?: readonly string[];
  /** Of the certificates of agents and of the server; a week when absent. */
  readonly certificateLifeMs?: number;
}

/** All in milliseconds but the number of tasks. */
export interface EngineSettings {
  readonly heartbeatMs?: number;
  readonly leaseMs?: number;
  readonly lostAfterMs?: number;
  readonly tasksPerHost?: number;
  /** How long history is kept. */
  readonly retention?: { readonly eventsMs: number; readonly auditMs: number; readonly lateMs: number };
}

export const ServerOptions = token<ServerOptions>('server.Options');

/** Called when the server can no longer do its work, such as when another one has taken its database. */
export interface Fatal {
  report(error: Error): void;
}
export const Fatal = token<Fatal>('server.Fatal');
