import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

export interface Facts {
  readonly hostname: string;
  readonly os: string;
  /** debian, redhat or suse; absent for what an older agent told. */
  readonly osFamily?: string;
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
    /** SHA-256 (hex) of the authorities that its agent has said to trust, sorted. */
    trustedAuthorities: p.json<readonly string[]>().nullable(),
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

/** A certificate that was signed for an agent. One that is not here is good for nothing. */
export const AgentCertificate = defineEntity({
  name: 'AgentCertificate',
  properties: {
    /** Lower-case hex. */
    serial: p.string().primary(),
    hostId: p.uuid().index(),
    /** SHA-256 (hex) of the authority that signed it. */
    authority: p.string(),
    issuedAt: p.datetime(),
    expiresAt: p.datetime(),
    revokedAt: p.datetime().nullable(),
  },
});

export type HostRow = InferEntity<typeof Host>;
