import { phasesOf } from '@stackyard/domain';
import type { RequestOf } from '../command.ts';
import { hasPhase } from '../phases.ts';
import type { HostComponentState } from '../state.ts';
import { isBehind } from '../versions.ts';
import { type Choosing, componentOf, isStopped, skip } from './choosing.ts';

/**
 * Host components of another version, with those of the new one that an earlier upgrade left half done. A stopped one
 * stays stopped.
 */
export function chooseUpgrade(
  choosing: Choosing,
  request: RequestOf<'upgrade'>,
  refresh: (hostComponent: HostComponentState) => void,
): void {
  const before = choosing.before.services.find(({ name }) => name === request.service);
  const next = choosing.layout.next.services.find(({ name }) => name === request.service);
  for (const hostComponent of before && next ? next.hostComponents : []) {
    const component = componentOf(choosing, { ...hostComponent, stackDigest: undefined });
    const { desired, observed } = hostComponent;
    const halfDone = desired === 'RUNNING' && observed !== 'RUNNING' && hasPhase(component, 'start');
    if (desired === 'ABSENT') skip(choosing, hostComponent, 'it is not installed');
    else if (!isLeftBehind(choosing, hostComponent) && !halfDone) {
      if (choosing.effects.has(hostComponent.id)) refresh(hostComponent);
      else skip(choosing, hostComponent, 'it already runs this version');
    } else {
      const starts = desired === 'RUNNING' && hasPhase(component, 'start');
      const leaves = componentOf(choosing, hostComponent);
      const phases = phasesOf.upgrade.filter((phase) => {
        // Also where there is nothing to write: it is the step from one version to the other.
        if (phase === 'install' || phase === 'configure') return true;
        if (phase === 'stop') return hasPhase(leaves, 'stop') && !isStopped(hostComponent);
        return starts && hasPhase(component, phase);
      });
      const chained = starts && (component.rolling || choosing.inTurns);
      choosing.works.push({ hostComponent, component, role: 'member', phases, chained, leaves });
    }
  }
}

export const LEFT_BEHIND = 'it still runs another version: finish the upgrade or take it back first';

export function isLeftBehind(choosing: Choosing, hostComponent: HostComponentState): boolean {
  const service = choosing.services.get(hostComponent.service);
  return service !== undefined && isBehind(service, hostComponent);
}
