import { type Phase, phasesOf } from '@stackyard/domain';
import type { ComponentManifest } from '@stackyard/sdk/manifest';
import type { CommandRequest, RequestOf } from '../command.ts';
import type { LayoutResult } from '../layout/draft.ts';
import { hasPhase } from '../phases.ts';
import type { StaleHostComponent } from '../plan.ts';
import { Problems } from '../problems.ts';
import { counted, listed } from '../sentences.ts';
import type { ClusterState, HostComponentState } from '../state.ts';
import { select } from '../target.ts';
import { chooseAction } from './chooseAction.ts';
import { chooseDrain } from './chooseDrain.ts';
import { type Choice, type Choosing, componentOf, isStopped, keyOf, skip } from './choosing.ts';
import { chooseUpgrade, isLeftBehind, LEFT_BEHIND } from './chooseUpgrade.ts';
import { rollingOf } from './turns.ts';
import { phasesOfEffect, type Work } from './work.ts';

type RunCommand = 'start' | 'stop' | 'restart' | 'check';

/** Decides, for each host component the command is about, which phases run on it and in which role. */
export function choose(
  before: ClusterState,
  layout: LayoutResult,
  stale: readonly StaleHostComponent[],
  request: CommandRequest,
): Choice {
  const choosing: Choosing = {
    works: [],
    skipped: [],
    problems: new Problems(),
    drains: {},
    before,
    layout,
    effects: new Map(stale.map(({ hostComponentId, effect }) => [hostComponentId, effect])),
    hosts: new Map(layout.next.hosts.map((host) => [host.id, host])),
    services: new Map([...before.services, ...layout.next.services].map((service) => [service.name, service])),
    inTurns: rollingOf(request) !== undefined,
  };
  switch (request.command) {
    case 'add':
      chooseAdd(choosing, request);
      break;
    case 'configure':
      chooseConfigure(choosing, request);
      break;
    case 'remove':
      chooseRemove(choosing, request);
      break;
    case 'action':
      chooseAction(choosing, request);
      break;
    case 'decommission':
    case 'recommission':
      chooseDrain(choosing, request, (hostComponent) => refresh(choosing, hostComponent));
      warnOfStale(choosing);
      break;
    case 'upgrade':
      chooseUpgrade(choosing, request, (hostComponent) => refresh(choosing, hostComponent));
      warnOfStale(choosing);
      break;
    case 'start':
    case 'stop':
    case 'restart':
    case 'check':
      for (const hostComponent of select(before, request.target)) chooseRun(choosing, hostComponent, request.command);
      if (request.command === 'start') prepareOnce(choosing);
      break;
  }
  settleTurns(choosing);
  return choosing;
}

/** Who has had its turn is looked at once more before the next one has its own: a check says only that it is well itself. */
function settleTurns({ works }: Choosing): void {
  for (const [index, work] of works.entries()) {
    if (!work.chained || !hasPhase(work.component, 'settle')) continue;
    works[index] = { ...work, phases: [...work.phases, 'settle'] };
  }
}

function chooseAdd(choosing: Choosing, request: RequestOf<'add'>): void {
  const additions = new Map(request.services.map((addition) => [addition.service, addition]));
  const added = new Set(choosing.layout.change.addedHostComponents);
  for (const { name, hostComponents } of choosing.layout.next.services) {
    const addition = additions.get(name);
    if (!addition) continue;
    for (const hostComponent of hostComponents) {
      const host = choosing.hosts.get(hostComponent.hostId);
      const named = addition.components?.[hostComponent.component];
      // What an earlier job failed to install is taken up again when it is named again.
      const resumed =
        hostComponent.desired === 'ABSENT' &&
        (addition.components === undefined || (host !== undefined && named?.includes(host.name) === true));
      if (added.has(hostComponent.id) || resumed)
        work(choosing, hostComponent, { role: 'fresh', phases: phasesOf.add });
      else refresh(choosing, hostComponent);
    }
  }
  prepareOnce(choosing);
  warnOfStale(choosing);
}

function chooseConfigure(choosing: Choosing, request: RequestOf<'configure'>): void {
  for (const hostComponent of select(choosing.layout.next, request.target)) {
    if (hostComponent.desired === 'ABSENT') skip(choosing, hostComponent, 'it is not installed');
    else if (isLeftBehind(choosing, hostComponent)) skip(choosing, hostComponent, LEFT_BEHIND);
    else if (!choosing.effects.has(hostComponent.id)) skip(choosing, hostComponent, 'it already runs this version');
    else if (request.restart === false) skip(choosing, hostComponent, 'the values are saved only');
    else reconfigure(choosing, hostComponent);
  }
  warnOfStale(choosing);
}

function chooseRemove(choosing: Choosing, request: RequestOf<'remove'>): void {
  const removed = new Set(choosing.layout.change.removedHostComponents);
  const touched = new Set<string>();
  for (const hostComponent of choosing.before.services.flatMap(({ hostComponents }) => hostComponents)) {
    if (!removed.has(hostComponent.id)) continue;
    touched.add(hostComponent.service);
    if (request.lost) skip(choosing, hostComponent, 'its host is lost: nothing runs there');
    else {
      const phases = isStopped(hostComponent) ? (['remove'] as const) : phasesOf.remove;
      work(choosing, hostComponent, { role: 'leaving', phases, data: request.data });
    }
  }
  for (const { name, hostComponents } of choosing.layout.next.services) {
    if (touched.has(name)) for (const hostComponent of hostComponents) refresh(choosing, hostComponent);
  }
  warnOfStale(choosing);
}

function chooseRun(choosing: Choosing, hostComponent: HostComponentState, command: RunCommand): void {
  const component = componentOf(choosing, hostComponent);
  const reason = reasonToSkip(hostComponent, component, command);
  if (reason !== undefined) {
    skip(choosing, hostComponent, reason);
    return;
  }
  const phases: readonly Phase[] = phasesOf[command].filter((phase) => phase !== 'stop' || !isStopped(hostComponent));
  // What starts with values that its files do not have yet is asked for at the wrong port: it gets its files first.
  const first: readonly Phase[] =
    phases.includes('start') && choosing.effects.has(hostComponent.id) ? ['configure'] : [];
  work(choosing, hostComponent, {
    role: 'member',
    // A failed add may not have come to the step before the first start.
    phases: command === 'start' ? [...first, 'init', ...phases] : [...first, ...phases],
    chained: command === 'restart' && (component.rolling || choosing.inTurns),
  });
}

function reasonToSkip(
  hostComponent: HostComponentState,
  component: ComponentManifest,
  command: RunCommand,
): string | undefined {
  const { desired, observed } = hostComponent;
  if (desired === 'ABSENT') return 'it is not installed: retry the job that adds it, or add it again';
  if (command === 'check') {
    if (!hasPhase(component, 'check')) return 'it declares no check';
    return hasPhase(component, 'start') && desired !== 'RUNNING' ? 'it does not run' : undefined;
  }
  if (!hasPhase(component, command === 'stop' ? 'stop' : 'start')) return `it has no process to ${command}`;
  if (command === 'start' && desired === 'RUNNING' && observed === 'RUNNING') return 'it already runs';
  return command === 'stop' && isStopped(hostComponent) ? 'it is already stopped' : undefined;
}

/** Brings a member up to date that a change of its service made stale. A host that does not answer is left for later. */
function refresh(choosing: Choosing, hostComponent: HostComponentState): void {
  if (!choosing.effects.has(hostComponent.id) || hostComponent.desired === 'ABSENT') return;
  if (choosing.hosts.get(hostComponent.hostId)?.reachable) reconfigure(choosing, hostComponent);
  else skip(choosing, hostComponent, 'its host does not answer: configure it when it is back');
}

/** configure, then what the effect asks for when it runs. */
function reconfigure(choosing: Choosing, hostComponent: HostComponentState): void {
  const component = componentOf(choosing, hostComponent);
  const effect = choosing.effects.get(hostComponent.id) ?? 'none';
  const runs = hostComponent.desired === 'RUNNING' && hasPhase(component, 'start');
  const phases: readonly Phase[] = runs ? phasesOfEffect(effect, component) : [];
  work(choosing, hostComponent, {
    role: 'member',
    phases: [...phasesOf.configure, ...phases],
    chained: phases.includes('stop') && (component.rolling || effect === 'rolling' || choosing.inTurns),
  });
}

/**
 * `prepare` runs once per service, after the first start: on the lowest ordinal of what this plan starts of the
 * component that declares it.
 */
function prepareOnce(choosing: Choosing): void {
  const done = new Set(
    choosing.layout.next.services.flatMap(({ hostComponents }) =>
      hostComponents.filter(({ once }) => once.includes('prepare')).map(keyOf),
    ),
  );
  const first = new Map<string, number>();
  for (const [index, { hostComponent, component, phases, role }] of choosing.works.entries()) {
    const key = keyOf(hostComponent);
    if (!hasPhase(component, 'prepare') || done.has(key)) continue;
    if (role !== 'fresh' && !phases.includes('start')) continue;
    const lowest = first.get(key);
    const ordinal = lowest === undefined ? Infinity : choosing.works[lowest]!.hostComponent.ordinal;
    if (hostComponent.ordinal < ordinal) first.set(key, index);
  }
  for (const index of first.values()) {
    const chosen = choosing.works[index]!;
    const before = chosen.phases.filter((phase) => phase !== 'check');
    const after = chosen.phases.filter((phase) => phase === 'check');
    choosing.works[index] = { ...chosen, phases: [...before, 'prepare', ...after] };
  }
}

/** Other host components whose files differ too, and which this plan leaves as they are. */
function warnOfStale({ works, skipped, effects, layout, problems }: Choosing): void {
  const covered = new Set([
    ...works.map(({ hostComponent }) => hostComponent.id),
    ...skipped.map(({ hostComponentId }) => hostComponentId),
  ]);
  for (const { name, hostComponents } of layout.next.services) {
    const left = hostComponents.filter(
      ({ id, desired }) => desired !== 'ABSENT' && effects.has(id) && !covered.has(id),
    );
    if (left.length === 0) continue;
    const components = listed([...new Set(left.map(({ component }) => component))]);
    const message = `${counted(left.length, 'host component')} of ${name} (${components}) will run files that are not the newest. Configure ${name} when it suits.`;
    problems.warn('STALE', message);
  }
}

type Wanted = Pick<Work, 'role' | 'phases' | 'data'> & { readonly chained?: boolean };

/** Leaves out phases that are empty for the component, the `prepare` of the service, and an `init` that is done. */
function work(
  choosing: Choosing,
  hostComponent: HostComponentState,
  { role, phases, data, chained = false }: Wanted,
): void {
  const component = componentOf(choosing, hostComponent);
  const left = phases.filter(
    (phase) =>
      phase !== 'prepare' && hasPhase(component, phase) && (phase !== 'init' || !hostComponent.once.includes('init')),
  );
  if (left.length > 0) choosing.works.push({ hostComponent, component, role, phases: left, chained, data });
  else skip(choosing, hostComponent, 'there is nothing to do for it');
}
