import type { Phase } from '@stackyard/domain';
import type { Inputs, Instance, Json } from '@stackyard/sdk/manifest';

/** An archive to have on the host. */
export interface PackageOrder {
  readonly version: string;
  /** `sha256-…` of the archive. */
  readonly digest: string;
  readonly size: number;
}

/** A command as the phases read it: plain data, parsed from the envelope by the agent. */
export interface PhaseOrder {
  readonly phase: Phase;
  readonly inputs: Inputs;
  readonly packages: Readonly<Record<string, PackageOrder>>;
  /** Digest by path of what rendering must give. */
  readonly expectedFiles: Readonly<Record<string, string>>;
  /** Once-steps that the server knows to be done. */
  readonly once: readonly string[];
  /** remove: data directories go too. */
  readonly deleteData: boolean;
  readonly serviceUser: string;
  /** action: what is asked. */
  readonly action?: { readonly name: string; readonly input: Readonly<Record<string, Json>> } | undefined;
  /** decommission and recommission: whose functions run, and whom they are about. */
  readonly drain?: { readonly component: string; readonly instances: readonly Instance[] } | undefined;
}
