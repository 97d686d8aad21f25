import { byAnother, type DrainRequest, underWay } from '../drain.ts';
import type { HostComponentState } from '../state.ts';
import { select } from '../target.ts';
import { firstOf, runs } from './chooseAction.ts';
import { type Choosing, componentOf, skip } from './choosing.ts';

/** Configures what names those that leave, then has them emptied, or taken in again. */
export function chooseDrain(
  choosing: Choosing,
  request: DrainRequest,
  refresh: (hostComponent: HostComponentState) => void,
): void {
  const { next } = choosing.layout;
  const moving = underWay(next, request);
  const moved = new Set([...choosing.layout.change.leaving.keys(), ...moving.map(({ id }) => id)]);
  for (const it of select(next, request.target)) if (!moved.has(it.id)) skip(choosing, it, reasonOf(it, request));
  const service = next.services.find(({ hostComponents }) => hostComponents.some(({ id }) => moved.has(id)));
  if (!service) return;
  for (const hostComponent of service.hostComponents) refresh(hostComponent);
  const [first] = moving;
  const component = first && componentOf(choosing, first);
  if (!component?.decommission) return;
  const terms = {
    timeoutMs: component.decommission.timeout * 1000,
    idempotent: component.idempotent[request.command] ?? true,
    runsCode: true,
  };
  for (const hostComponent of byAnother(component) ? drainerOf() : moving) {
    if (!runs(choosing, hostComponent)) {
      const host = choosing.hosts.get(hostComponent.hostId)?.name;
      const message = `${component.title} on ${host} does not run, and it has to do the work itself. Start it first.`;
      choosing.problems.refuse('NOT_RUNNING', message, '/target');
    }
    const own = componentOf(choosing, hostComponent);
    choosing.drains[hostComponent.id] = byAnother(component) ? moving.map(({ id }) => id) : [hostComponent.id];
    choosing.works.push({
      hostComponent,
      component: own,
      role: 'member',
      phases: [request.command],
      chained: false,
      terms,
    });
  }

  /** The lowest ordinal that runs of the component that does it for others. */
  function drainerOf(): readonly HostComponentState[] {
    const by = component!.decommission!.by!;
    const able = service!.hostComponents.filter((it) => it.component === by && runs(choosing, it));
    if (able.length === 0) {
      const message = `${by} has to do the work, and none of them runs where it can be reached. Start one first.`;
      choosing.problems.refuse('NOT_RUNNING', message, '/target');
    }
    return firstOf(able);
  }
}

function reasonOf({ desired, leaving }: HostComponentState, { command }: DrainRequest): string {
  if (desired === 'ABSENT') return 'it is not installed';
  if (command === 'recommission') return 'it is not being decommissioned';
  return leaving === 'DRAINED' ? 'it is decommissioned already' : 'it is not installed';
}
