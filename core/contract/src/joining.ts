import { token } from '@stackyard/kernel';

/** Processors that agents run on, as Node names them. */
export const ARCHITECTURES = ['x64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** What a host has to know to join. None of it is secret; it only has to be true. */
export interface JoinTerms {
  /** `host:port` that agents dial. */
  readonly server: string;
  /** `host:port` of the listener through which hosts join. */
  readonly enrol: string;
  /** The authority that a host trusts from then on: its certificate as PEM, and the SHA-256 of that certificate, hex. */
  readonly authority: string;
  readonly authoritySha256: string;
}

/** The self-contained agent for an architecture, as a file of the server. */
export interface AgentBundle {
  readonly path: string;
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
  readonly version: string;
}

/** What it takes to bring a host in, for whoever carries it there. */
export interface HostJoining {
  terms(): JoinTerms;
  /**
   * A single-use token bound to a host name, in the form `syj_…`. Only its hash is kept.
   * @throws a StackyardError NAME_TAKEN when an agent is connected under this name
   */
  issueToken(host: { readonly name: string; readonly issuedBy: string }): Promise<string>;
  /** The constant script that installs a bundle and joins; its first lines say what it takes. */
  joinScript(): Promise<string>;
  /** @throws a StackyardError BUNDLE_UNAVAILABLE when there is none for this architecture. May take a while the first time. */
  bundle(architecture: Architecture): Promise<AgentBundle>;
  /** Whether the agent of a host of this name is connected now. */
  isReachable(name: string): Promise<boolean>;
}
export const HostJoining = token<HostJoining>('contract.HostJoining');
