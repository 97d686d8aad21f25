import { randomUUID } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { AuditEntry } from '../database/entities.ts';

export interface Audited {
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  readonly clusterId: string | undefined;
  readonly requestId: string;
  readonly status: number;
}

/** Writes who did what to the audit trail. */
export function auditTrail(em: () => EntityManager): (entry: Audited) => Promise<void> {
  return async ({ clusterId, ...entry }) => {
    await em().insert(AuditEntry, { id: randomUUID(), at: new Date(), clusterId: clusterId ?? null, ...entry });
  };
}
