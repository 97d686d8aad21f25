import type { Architecture } from '@stackyard/contract';

/** Where the server has the agents from that it gives to hosts; whoever puts server and agent together provides it. */
export interface AgentSoftware {
  /** Of the bundle: another one whenever anything in it changed. */
  version(): Promise<string>;
  /** The constant script that joins a host. */
  joinScript(): Promise<string>;
  /** Writes the self-contained bundle for an architecture. @throws with a sentence that says why there is none */
  pack(architecture: Architecture, file: string): Promise<void>;
}
