import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { agentPaths } from '../paths.ts';
import { writeDurably } from '../spool/durable.ts';

/** Who this agent is, and whom it obeys. */
export interface Identity {
  readonly agentId: string;
  readonly installId: string;
  /** `host:port` where the server takes agents. */
  readonly server: string;
  /** `host:port` where the server takes hosts that have no good certificate. */
  readonly enrolment: string;
  /** Made on this host; PEM. */
  readonly key: string;
  /** PEM. */
  readonly certificate: string;
  /** Whom to trust as the server's authority; PEM, one after the other. */
  readonly authorities: string;
}

/** Of the file that this version writes; an older one held a secret that no server takes any more. */
const FORMAT = 2;

/** One file (0600), so that key and certificate always belong together. */
export async function saveIdentity(root: string, identity: Identity): Promise<void> {
  const text = JSON.stringify({ format: FORMAT, ...identity }, undefined, 2);
  await writeDurably(agentPaths(root).identity, `${text}\n`);
}

/** @returns undefined when the host has not joined, or joined in another way than this version does */
export async function readIdentity(root: string): Promise<Identity | undefined> {
  const file = agentPaths(root).identity;
  if (!existsSync(file)) return undefined;
  const { format, ...identity } = JSON.parse(await readFile(file, 'utf8')) as Identity & { readonly format?: number };
  return format === FORMAT ? identity : undefined;
}
