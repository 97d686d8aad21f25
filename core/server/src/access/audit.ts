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

/** An entry as its row. */
export function auditRow(entry: Audited): Audited & { readonly id: string; readonly at: Date } {
  return { id: randomUUID(), at: new Date(), ...entry };
}

/** Writes who did what to the audit trail. */
export function auditTrail(em: () => EntityManager): (entry: Audited) => Promise<void> {
  return async (entry) => {
    await em().insert(AuditEntry, { ...auditRow(entry), clusterId: entry.clusterId ?? null });
  };
}
