import { topologicalOrder } from '../graph/order.ts';
import { forEachSuccessor } from '../graph/walk.ts';
import type { Notice, Plan } from '../plan.ts';
import { counted, listed } from '../sentences.ts';

export interface DescribeOptions {
  /** Names by host id; ids are shown where a name is missing. */
  readonly hosts?: ReadonlyMap<string, string> | undefined;
  /** More to warn of, such as what the layout found. */
  readonly warnings?: readonly Notice[] | undefined;
}

/**
 * A plan as text: one line per step, component and phase. Tasks with the same number may run at the same time; each
 * starts as soon as what it waits for is done, not when the number before is.
 */
export function describePlan(plan: Plan, { hosts, warnings = [] }: DescribeOptions = {}): string {
  const steps = stepsOf(plan);
  const groups = new Map<string, { step: number; phase: string; name: string; on: string[] }>();
  for (const [task, { phase, service, component, hostId }] of plan.tasks.entries()) {
    const step = steps[task]!;
    const name = `${service}/${component}`;
    const key = `${step} ${phase} ${name}`;
    const group = groups.get(key) ?? { step, phase, name, on: [] };
    groups.set(key, group);
    group.on.push(hosts?.get(hostId) ?? hostId);
  }
  const lines = [...groups.values()].toSorted((a, b) => a.step - b.step);
  const widest = Math.max(0, ...lines.map(({ name }) => name.length));
  const longest = Math.max(9, ...lines.map(({ phase }) => phase.length));
  const digits = String(lines.at(-1)?.step ?? 0).length;
  return [
    `${plan.request.command}: ${counted(plan.tasks.length, 'task')} on ${counted(plan.hosts.length, 'host')}`,
    ...lines.map(
      ({ step, phase, name, on }) =>
        `${String(step).padStart(digits + 2)}  ${phase.padEnd(longest)}  ${name.padEnd(widest)}  ${listed(on)}`,
    ),
    ...skippedLines(plan),
    ...[...warnings, ...plan.warnings].map(({ message }) => `  warning: ${message}`),
  ].join('\n');
}

function skippedLines({ skipped }: Plan): string[] {
  const reasons = new Map<string, number>();
  for (const { reason } of skipped) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  return [...reasons].map(([reason, count]) => `  skipped: ${counted(count, 'host component')}, ${reason}`);
}

/** By node: 1 for what can run at once, otherwise one more than the latest it waits for; join nodes take no step. */
function stepsOf({ graph }: Plan): Uint32Array {
  const steps = new Uint32Array(graph.nodes);
  for (const node of topologicalOrder(graph)) {
    const own = node < graph.tasks ? 1 : 0;
    steps[node]! += own;
    forEachSuccessor(graph, node, (successor) => {
      steps[successor] = Math.max(steps[successor]!, steps[node]!);
    });
  }
  return steps;
}
