import type { CommandRequest, Rolling } from '../command.ts';
import type { Problems } from '../problems.ts';
import { pointer } from '../problems.ts';
import { suggestion } from '../sentences.ts';
import type { HostState } from '../state.ts';
import type { Work } from './work.ts';

/** What the operator asked of turns, if anything. */
export function rollingOf(request: CommandRequest): Rolling | undefined {
  return 'rolling' in request ? request.rolling : undefined;
}

/** How many of `count` host components take their turn at the same time: a share is rounded down, and never to none. */
export function batchSize({ batch = 1 }: Rolling, count: number): number {
  const size = typeof batch === 'number' ? batch : Math.floor((count * Number(batch.slice(0, -1))) / 100);
  return Math.max(1, Math.min(size, count));
}

/** Those the operator named first, then by ordinal, and last those in the role that the definition keeps for the end. */
export function inTurn(works: readonly Work[], first: readonly string[]): Work[] {
  const rank = ({ hostComponent: { hostId, role }, component: { lastRole } }: Work): number => {
    const named = first.indexOf(hostId);
    if (named >= 0) return named - first.length;
    return lastRole !== undefined && role === lastRole ? 1 : 0;
  };
  return works.toSorted((a, b) => rank(a) - rank(b) || a.hostComponent.ordinal - b.hostComponent.ordinal);
}

/** Ids of the hosts that go first. */
export function firstHosts({ order = [] }: Rolling, hosts: readonly HostState[]): string[] {
  const ids = new Map(hosts.map(({ name, id }) => [name, id]));
  return order.flatMap((name) => ids.get(name) ?? []);
}

/** What is wrong with what was asked, and what it would do that its author may not expect. */
export function checkRolling(
  rolling: Rolling,
  works: readonly Work[],
  hosts: readonly HostState[],
  problems: Problems,
) {
  const turns = works.filter(({ chained }) => chained);
  const names = new Map(hosts.map(({ id, name }) => [id, name]));
  const taking = [...new Set(turns.map(({ hostComponent }) => names.get(hostComponent.hostId) ?? ''))];
  for (const [index, name] of (rolling.order ?? []).entries()) {
    if (taking.includes(name)) continue;
    const message = `No host component on ${name} takes a turn${suggestion(name, taking)}`;
    problems.refuse('HOST_UNKNOWN', message, pointer('rolling', 'order', index));
  }
  const groups = Map.groupBy(turns, ({ hostComponent }) => `${hostComponent.service}/${hostComponent.component}`);
  for (const [name, { length }] of groups) {
    if (length > 1 && batchSize(rolling, length) === length) {
      const message = `All ${length} of ${name} take their turn at the same time, so none is up meanwhile. Choose a smaller batch.`;
      problems.warn('ALL_DOWN', message, '/rolling/batch');
    }
  }
}
