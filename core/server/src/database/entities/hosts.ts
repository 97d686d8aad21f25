import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

export interface Facts {
  readonly hostname: string;
  readonly os: string;
  readonly kernel: string;
  readonly arch: string;
  readonly cpus: number;
  readonly memory: number;
  readonly disk: number;
  readonly java: readonly { readonly home: string; readonly version: string; readonly vendor: string }[];
  readonly privileged: boolean;
  readonly more: Readonly<Record<string, string>>;
}

export const Host = defineEntity({
  name: 'Host',
  properties: {
    /** Also the agent's id. */
    id: p.uuid().primary(),
    name: p.string().unique(),
    address: p.string(),
    bind: p.string(),
    root: p.string(),
    local: p.boolean(),
    clusterId: p.uuid().nullable().index(),
    /** scrypt or SHA-256 of a 256-bit secret; the secret itself is never stored. */
    secretHash: p.string().hidden(),
    facts: p.json<Facts>().nullable(),
    journalId: p.uuid().nullable(),
    hostBootId: p.string().nullable(),
    agentBootId: p.string().nullable(),
    agentVersion: p.string().nullable(),
    sessionNo: p.bigint('number'),
    connected: p.boolean(),
    lastSeenAt: p.datetime().nullable(),
    joinedAt: p.datetime(),
  },
});

export const JoinToken = defineEntity({
  name: 'JoinToken',
  properties: {
    hash: p.string().primary(),
    hostName: p.string(),
    expiresAt: p.datetime(),
    usedAt: p.datetime().nullable(),
    createdBy: p.string(),
    createdAt: p.datetime(),
  },
});

export type HostRow = InferEntity<typeof Host>;
