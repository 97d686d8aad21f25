import { createHash } from 'node:crypto';
import type { session } from '@stackyard/agent';
import { CANARY } from '../invariants/noSecrets.ts';
import type { TaskPlan } from '../scenario/scenario.ts';
import { idOf } from './spool.ts';

/** The command of an attempt: the same bytes whenever it is built. A password is in it. */
export function orderOf(attempt: session.AttemptRef, plan: TaskPlan, killGraceMs: number): session.Order {
  const envelope = Buffer.from(`${idOf(attempt)} ${CANARY}`);
  const { timeoutMs, startWithinMs } = plan;
  const hash = createHash('sha256').update(envelope).digest('hex');
  return { attempt, hash, envelope, terms: { ...attempt, timeoutMs, killGraceMs, startWithinMs } };
}
