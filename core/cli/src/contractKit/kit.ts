import type { StackManifest } from '@stackyard/sdk/manifest';
import type { ContractSettings } from './settings.ts';
import type { LocalSite } from './site.ts';
import type { TestCluster } from './testCluster.ts';

/** What every step of the contract works with. */
export interface Kit {
  readonly site: LocalSite;
  readonly cluster: TestCluster;
  readonly manifest: StackManifest;
  /** The version that it begins with, where that is an older one. */
  readonly older: StackManifest | undefined;
  /** Another build of the stack under test, with a version of its own. @returns that version */
  readonly rebuild: () => Promise<string>;
  readonly settings: ContractSettings;
  /** Of the stack under test, in the order of its manifest. */
  readonly services: readonly string[];
}

/** One promise of the contract. */
export interface Step {
  readonly name: string;
  /** What it shows, as a sentence without a full stop. */
  readonly promise: string;
  /** Why it does not apply to this stack; absent where it always does. */
  readonly skip?: (kit: Kit) => string | undefined;
  /** @returns what was seen, for the report. @throws an Error whose message says what is wrong */
  readonly run: (kit: Kit) => Promise<string>;
}
