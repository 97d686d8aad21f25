import type { Pool } from 'pg';
import { NotFoundError } from '../api/errors.ts';
import { isUuid } from '../clusters/lookup.ts';
import type { StoredPlanRow } from '../database/entities.ts';
import { select } from '../database/select.ts';

/** What a plan is executed by; what was shown of it may be long. */
export type PlanFields = Omit<StoredPlanRow, 'view'>;

const columns = `id, cluster_id as "clusterId", basis, request, created_by as "createdBy", created_at as "createdAt",
  expires_at as "expiresAt", job_id as "jobId"`;

/** @throws NotFoundError */
export function readPlan(sql: Pool, id: string): Promise<PlanFields> {
  return read(sql, { id, name: 'plan', columns });
}

/** With what was shown. @throws NotFoundError */
export function readWholePlan(sql: Pool, id: string): Promise<StoredPlanRow> {
  return read(sql, { id, name: 'whole-plan', columns: `${columns}, view` });
}

async function read<Row extends object>(
  sql: Pool,
  { id, name, columns: wanted }: { readonly id: string; readonly name: string; readonly columns: string },
): Promise<Row> {
  const text = `select ${wanted} from stored_plan`;
  const [row] = isUuid(id) ? await select<Row>(sql, { name, text, where: [['id = $N', id]], limit: 1 }) : [];
  if (!row) throw new NotFoundError({ what: 'plan', name: id });
  return row;
}
