import { isLeaving, type Leaving } from '@stackyard/domain';
import type { ComponentManifest } from '@stackyard/sdk/manifest';
import { boundsOf, describeBounds } from '../cardinality.ts';
import type { RequestOf } from '../command.ts';
import { listed } from '../sentences.ts';
import type { HostComponentState, ServiceState } from '../state.ts';
import { select } from '../target.ts';
import type { Draft } from './draft.ts';

/** Marks host components as leaving, or as coming back: the configs of their service may name them from then on. */
export function layoutDecommission(draft: Draft, request: RequestOf<'decommission' | 'recommission'>): void {
  const { problems, state } = draft;
  if (request.target.component === undefined) {
    const message = `Only a component can be ${request.command}ed. Name the component.`;
    problems.refuse('COMPONENT_MISSING', message, '/target/component');
    return;
  }
  const selected = select(state, request.target, problems);
  const service = state.services.find(({ name }) => name === selected[0]?.service);
  const component = service?.manifest.components.find(({ name }) => name === selected[0]?.component);
  if (!service || !component) return;
  if (!component.decommission) {
    const able = service.manifest.components.filter(({ decommission }) => decommission).map(({ name }) => name);
    const others = able.length === 0 ? '' : ` Of ${service.name} that is declared for ${listed(able)}.`;
    const message = `${component.title} declares no way to be decommissioned, so nothing has to be moved: stop or remove it.${others}`;
    problems.refuse('NOT_DECOMMISSIONABLE', message, '/target/component');
    return;
  }
  for (const hostComponent of selected) {
    const next = request.command === 'decommission' ? leave(hostComponent) : comeBack(hostComponent, component);
    if (next !== hostComponent.leaving) draft.leaving.set(hostComponent.id, next);
  }
  if (draft.leaving.size === 0) return;
  const next = withLeaving(service, draft.leaving);
  draft.services.set(service.name, next);
  if (request.command === 'decommission') checkStaying(draft, next, component);
}

function leave({ leaving, desired }: HostComponentState): Leaving | undefined {
  if (desired === 'ABSENT') return leaving;
  return leaving === 'DRAINED' ? 'DRAINED' : 'DRAINING';
}

function comeBack({ leaving }: HostComponentState, { lifecycle }: ComponentManifest): Leaving | undefined {
  return leaving === undefined || !lifecycle.includes('recommission') ? undefined : 'RETURNING';
}

function withLeaving(service: ServiceState, changes: ReadonlyMap<string, Leaving | undefined>): ServiceState {
  const hostComponents = service.hostComponents.map((it) =>
    changes.has(it.id) ? { ...it, leaving: changes.get(it.id) } : it,
  );
  return { ...service, hostComponents };
}

/** Somebody has to take over what those that leave have. */
function checkStaying(
  { problems }: Draft,
  service: ServiceState,
  { name, title, cardinality }: ComponentManifest,
): void {
  const staying = service.hostComponents.filter(
    ({ component, leaving, desired }) => component === name && !isLeaving(leaving) && desired !== 'ABSENT',
  ).length;
  const bounds = boundsOf(cardinality);
  if (staying === 0) {
    const message = `No ${title} would stay to take over. Leave one out, add one first, or remove the service instead.`;
    problems.refuse('LAST_ONE', message, '/target');
  } else if (staying < bounds.min) {
    const message = `${title} needs ${describeBounds(bounds)}, and ${staying} would stay. Add another one first.`;
    problems.refuse('CARDINALITY', message, '/target');
  }
}
