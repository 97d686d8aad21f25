import type { CommandRequest } from '../command.ts';
import { PlanRefusedError } from '../errors.ts';
import type { LayoutResult } from '../layout/draft.ts';
import { refuseUnreachable } from '../layout/check.ts';
import { type Metadata, metadataOf } from '../metadata.ts';
import { hasPhase } from '../phases.ts';
import type { Plan, PlannedTask, StaleHostComponent } from '../plan.ts';
import type { ClusterState } from '../state.ts';
import { arrange } from './arrange.ts';
import { choose } from './choose.ts';
import type { Choice } from './choosing.ts';
import { javaOf } from './java.ts';
import { osPackagesOf } from './osPackages.ts';
import { checkRolling, firstHosts, rollingOf } from './turns.ts';

/**
 * The plan of a command: which phases run where, and in which order.
 *
 * Its warnings are those of the order and of what stays behind; those of the layout are in `change.warnings`.
 *
 * @param state the cluster before the command
 * @param layoutResult what layout() made of it
 * @param stale what stale() found; empty for commands that change no file
 * @throws PlanRefusedError when a task would run on a host that does not answer, or the definitions contradict each other
 */
export function plan(
  state: ClusterState,
  layoutResult: LayoutResult,
  stale: readonly StaleHostComponent[],
  request: CommandRequest,
): Plan {
  const choice = choose(state, layoutResult, stale, request);
  const metadata = orderOf(state, layoutResult.next);
  checkReach(layoutResult.next, choice);
  warnOfNeighbours(layoutResult.next, choice);
  const rolling = rollingOf(request);
  if (rolling) checkRolling(rolling, choice.works, layoutResult.next.hosts, choice.problems);
  choice.problems.settle();
  const first = rolling ? firstHosts(rolling, layoutResult.next.hosts) : [];
  const { tasks, graph, turns } = arrange(choice.works, metadata, rolling && { ...rolling, first });
  return {
    request,
    tasks,
    graph,
    ...(turns ? { turns } : {}),
    hosts: [...new Set(tasks.map(({ hostId }) => hostId))],
    restarts: restartsOf(tasks),
    warnings: choice.problems.warnings,
    skipped: choice.skipped,
    drains: choice.drains,
    ...(choice.danger === undefined ? {} : { danger: choice.danger }),
    osPackages: osPackagesOf(layoutResult.next, tasks),
    java: javaOf(layoutResult.next, tasks),
  };
}

/** Services that leave take part in the order as well. */
function orderOf(state: ClusterState, next: ClusterState): Metadata {
  const names = new Set(next.services.map(({ name }) => name));
  const leaving = state.services.filter(({ name }) => !names.has(name));
  const metadata = metadataOf([...next.services, ...leaving].map(({ manifest }) => manifest));
  if (metadata.problems.length > 0) throw new PlanRefusedError(metadata.problems);
  return metadata;
}

function restartsOf(tasks: readonly PlannedTask[]): string[] {
  const stopped = new Set(tasks.filter(({ phase }) => phase === 'stop').map(({ hostComponentId }) => hostComponentId));
  return tasks
    .filter(({ phase, hostComponentId }) => phase === 'start' && stopped.has(hostComponentId))
    .map(({ hostComponentId }) => hostComponentId);
}

function checkReach(next: ClusterState, { works, problems }: Choice): void {
  const used = new Set(works.map(({ hostComponent }) => hostComponent.hostId));
  for (const host of next.hosts) {
    if (used.has(host.id) && !host.reachable) refuseUnreachable(problems, host, '/target');
  }
}

/** Starting what requires something that is down, or stopping what something that runs requires, is allowed, and said. */
function warnOfNeighbours(next: ClusterState, { works, problems }: Choice): void {
  const phases = new Map<string, Set<string>>();
  for (const { hostComponent, phases: own } of works) {
    const all = phases.get(hostComponent.service) ?? new Set();
    for (const phase of own) all.add(phase);
    phases.set(hostComponent.service, all);
  }
  const up = new Map(next.services.map((service) => [service.name, runs(service)]));
  for (const { name, manifest } of next.services) {
    const own = phases.get(name);
    for (const { service: required } of manifest.requires.services) {
      const other = phases.get(required);
      if (own?.has('start') && up.get(required) === false && !other?.has('start')) {
        problems.warn('REQUIRED_DOWN', `${name} requires ${required}, which does not run. Start ${required} first.`);
      }
      if (other?.has('stop') && !other.has('start') && up.get(name) && !own?.has('stop')) {
        problems.warn('STILL_USED', `${name} requires ${required} and keeps running. Stop ${name} as well.`);
      }
    }
  }
}

function runs({ manifest, hostComponents }: ClusterState['services'][number]): boolean {
  const processes = new Set(manifest.components.filter((it) => hasPhase(it, 'start')).map(({ name }) => name));
  const own = hostComponents.filter(({ component }) => processes.has(component));
  return own.length === 0 || own.some(({ desired }) => desired === 'RUNNING');
}
