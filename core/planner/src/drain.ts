import type { ComponentManifest, Instance } from '@stackyard/sdk/manifest';
import type { RequestOf } from './command.ts';
import { inputsOf } from './inputs.ts';
import type { ClusterState, HostComponentState, ServiceState } from './state.ts';
import { select } from './target.ts';

export type DrainRequest = RequestOf<'decommission' | 'recommission'>;

/** The host components of a request that are not yet where it wants them, in the state that its layout made. */
export function underWay(state: ClusterState, request: DrainRequest): HostComponentState[] {
  const wanted = request.command === 'decommission' ? 'DRAINING' : 'RETURNING';
  return select(state, request.target).filter(({ leaving }) => leaving === wanted);
}

/** Whether another component empties this one; else each host component does it itself. */
export function byAnother({ decommission }: ComponentManifest): boolean {
  return decommission?.by !== undefined;
}

/**
 * What the functions of a decommission get: whose they are, and those that go or come back (`ids`, as `Plan.drains` has
 * them for the host component that does it), as the others of their service see them.
 */
export function drainOf(
  state: ClusterState,
  {
    service,
    hostComponentId,
    ids,
  }: {
    readonly service: ServiceState;
    readonly hostComponentId: string;
    readonly ids: readonly string[];
  },
): { readonly component: string; readonly instances: readonly Instance[] } {
  const members = service.hostComponents.filter(({ id }) => ids.includes(id));
  const component = members[0]?.component;
  if (component === undefined) throw new RangeError(`Service ${service.name} has none of ${ids.join(', ')}`);
  const ordinals = new Set(members.map(({ ordinal }) => ordinal));
  const instances = inputsOf(state, service, hostComponentId).instances[component] ?? [];
  return { component, instances: instances.filter(({ ordinal }) => ordinals.has(ordinal)) };
}
