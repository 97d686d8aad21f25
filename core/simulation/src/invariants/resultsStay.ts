import { isTerminal } from '@stackyard/domain';
import type { Facts, Observation } from '../world/ledger.ts';
import type { AttemptRow } from '../world/rows.ts';
import { type Invariant, taskOf } from './invariant.ts';

export const resultsStay: Invariant = {
  name: 'I9',
  sentence:
    'A result that was acknowledged is in the database, and every recorded result comes there, also after a restore.',
  checker() {
    const exits = new Map<string, string | undefined>();
    let restored = false;
    return (observation, facts) => {
      if (observation.kind === 'restored') restored = true;
      if (observation.kind === 'journalLost') forget(exits, observation.host, facts);
      if (observation.kind === 'exitDurable' && !exits.has(observation.attemptId)) {
        exits.set(observation.attemptId, observation.reason);
      }
      if (observation.kind === 'committed') return givenUp(observation, exits, facts);
      // The jobs that a backup does not have are gone.
      if (restored) return undefined;
      if (observation.kind === 'converged') return missing(exits, facts);
      if (observation.kind !== 'acknowledged') return undefined;
      const row = facts.tables.attempts.get(observation.attemptId);
      if (row && isGivenUp(row) && !row.late && exits.has(row.id) && exits.get(row.id) !== row.reason) {
        return `The result of ${row.id} was acknowledged, and is not kept beside the loss of the attempt.`;
      }
      if (isKept(row)) return undefined;
      return `The result of ${observation.attemptId} was acknowledged, but is not in the database.`;
    };
  },
};

function forget(exits: Map<string, string | undefined>, host: number, { wanted }: Facts): void {
  for (const id of exits.keys()) if (wanted.get(taskOf(id))?.host === host) exits.delete(id);
}

/** Its host is there and has the result on its disk, acknowledged or not: it only has to be asked. */
function givenUp(
  { before, after }: Extract<Observation, { kind: 'committed' }>,
  exits: ReadonlyMap<string, string | undefined>,
  { wanted, silentMs, settings }: Facts,
): string | undefined {
  if (after.reason !== 'LOST' || before?.state === after.state || !exits.has(after.id)) return undefined;
  const isSilent = silentMs(wanted.get(taskOf(after.id))?.host ?? -1) >= settings.lostAfterMs;
  // What the agent itself has come to see as lost is its result.
  if (isSilent || exits.get(after.id) === 'LOST') return undefined;
  return `${after.id} was given up (${after.message}), and its host has its result.`;
}

function missing(exits: ReadonlyMap<string, string | undefined>, facts: Facts): string | undefined {
  for (const [id, reason] of exits) {
    if (facts.gone.has(facts.wanted.get(taskOf(id))?.host ?? -1)) continue;
    const row = facts.tables.attempts.get(id);
    if (!isKept(row)) return `The result of ${id} never came to the database.`;
    const isTold = row?.state === 'SUCCESSFUL' || row?.late !== null;
    if (reason === undefined && !isTold) return `${id} succeeded on its host, and the database does not say so.`;
  }
  return undefined;
}

/** Terminal without a word of its agent. */
function isGivenUp({ reason }: AttemptRow): boolean {
  return reason === 'LOST' || reason === 'AGENT_STATE_LOST';
}

function isKept(row: AttemptRow | undefined): boolean {
  return row !== undefined && (isTerminal(row.state) || row.late !== null);
}
