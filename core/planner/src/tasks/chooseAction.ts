import { checkActionInputOn } from '@stackyard/sdk/render';
import { type ActionRequest, actionNamed, sceneOf } from '../action.ts';
import { hasPhase } from '../phases.ts';
import type { HostComponentState } from '../state.ts';
import { select } from '../target.ts';
import { type Choosing, componentOf, skip } from './choosing.ts';

/** The host components that run an action: all of the target that run, or the lowest ordinal of them. */
export function chooseAction(choosing: Choosing, request: ActionRequest): void {
  const { before, problems } = choosing;
  const selected = select(before, request.target);
  const component = selected[0] && componentOf(choosing, selected[0]);
  const action = component && actionNamed(component, request.action);
  if (!action) return;
  if (action.danger !== undefined) choosing.danger = action.danger;
  const able = selected.filter((it) => runs(choosing, it));
  for (const it of selected) if (!able.includes(it)) skip(choosing, it, reasonOf(choosing, it));
  const chosen = action.on === 'each' ? able : firstOf(able);
  if (chosen.length === 0) {
    const verb = hasPhase(component, 'start') ? 'Start' : 'Install';
    const isSilent = selected.some(({ hostId }) => !choosing.hosts.get(hostId)?.reachable);
    const hint = isSilent ? ' Some hosts do not answer: check the agents on them.' : '';
    const message = `No ${component.title} runs that could be asked to ${action.name}. ${verb} one first.${hint}`;
    problems.refuse('NOT_RUNNING', message, '/target');
  }
  const notices = chosen.flatMap((it) => checkActionInputOn(sceneOf(before, it, request)));
  const told = new Map(notices.map((notice) => [`${notice.code} ${notice.pointer}`, notice]));
  for (const { code, message, pointer } of told.values()) problems.refuse(code, message, pointer);
  const terms = { timeoutMs: action.timeout * 1000, idempotent: action.idempotent, runsCode: true };
  for (const hostComponent of chosen) {
    choosing.works.push({ hostComponent, component, role: 'member', phases: ['action'], chained: false, terms });
  }
}

/** Of those that answer, the lowest ordinal; one that was not seen running only where no other one is. */
export function firstOf(able: readonly HostComponentState[]): readonly HostComponentState[] {
  const seen = able.filter(({ observed }) => observed === 'RUNNING');
  return (seen.length > 0 ? seen : able).toSorted((a, b) => a.ordinal - b.ordinal).slice(0, 1);
}

/** A client, which has no process, can be asked as soon as it is installed. */
export function runs(choosing: Choosing, hostComponent: HostComponentState): boolean {
  const { desired, hostId } = hostComponent;
  if (!choosing.hosts.get(hostId)?.reachable) return false;
  return hasPhase(componentOf(choosing, hostComponent), 'start') ? desired === 'RUNNING' : desired !== 'ABSENT';
}

function reasonOf({ hosts }: Choosing, { hostId }: HostComponentState): string {
  return hosts.get(hostId)?.reachable ? 'it does not run' : 'its host does not answer';
}
