import type { CommandRequest } from '../command.ts';
import type { ClusterState, HostComponentState } from '../state.ts';
import { select } from '../target.ts';
import { layoutAction } from './action.ts';
import { layoutAdd } from './add.ts';
import { refuseUnreachable } from './check.ts';
import { layoutConfigure } from './configure.ts';
import { Draft, type LayoutResult } from './draft.ts';
import { layoutDecommission } from './decommission.ts';
import { layoutRemove } from './remove.ts';
import { layoutUpgrade } from './upgrade.ts';

export interface LayoutOptions {
  /** Makes ids of host components, services and generated values: a new UUID each time. */
  readonly newId: () => string;
}

/**
 * What a command changes in the layout and configs of a cluster, before any task is planned. Services are named by
 * their names in the change, host components and hosts by their ids.
 *
 * @throws PlanRefusedError with every problem of the request at once, each with a JSON pointer into the request
 */
export function layout(state: ClusterState, request: CommandRequest, { newId }: LayoutOptions): LayoutResult {
  const draft = new Draft(state, newId);
  switch (request.command) {
    case 'add':
      layoutAdd(draft, request.services);
      break;
    case 'configure':
      layoutConfigure(draft, request);
      break;
    case 'remove':
      layoutRemove(draft, request);
      break;
    case 'decommission':
    case 'recommission':
      layoutDecommission(draft, request);
      break;
    case 'action':
      layoutAction(draft, request);
      return draft.result(state);
    case 'upgrade': {
      const upgrade = layoutUpgrade(draft, request);
      const { change, next } = draft.result();
      return { change: { ...change, upgrade }, next };
    }
    case 'start':
    case 'stop':
    case 'restart':
    case 'check':
      checkReachable(draft, select(state, request.target, draft.problems));
      return draft.result(state);
  }
  return draft.result();
}

function checkReachable(draft: Draft, selected: readonly HostComponentState[]): void {
  const hosts = new Map(selected.map((hostComponent) => [hostComponent.hostId, draft.hostOf(hostComponent)]));
  for (const host of hosts.values()) if (!host.reachable) refuseUnreachable(draft.problems, host, '/target');
}
