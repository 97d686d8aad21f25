import type { ActionManifest, ComponentManifest } from '@stackyard/sdk/manifest';
import { type ActionInput, actionInputOf, type ActionScene } from '@stackyard/sdk/render';
import type { RequestOf } from './command.ts';
import { inputsOf } from './inputs.ts';
import type { ClusterState, HostComponentState, ServiceState } from './state.ts';

export type ActionRequest = RequestOf<'action'>;

export function actionNamed({ actions = [] }: ComponentManifest, name: string): ActionManifest | undefined {
  return actions.find((action) => action.name === name);
}

/** The action of a request on one host component of its target. */
export function sceneOf(
  state: ClusterState,
  { service, component, id }: HostComponentState,
  request: ActionRequest,
): ActionScene {
  const owner = state.services.find(({ name }) => name === service);
  const found = owner?.manifest.components.find(({ name }) => name === component);
  const action = found && actionNamed(found, request.action);
  if (!owner || !action) throw new RangeError(`${service}/${component} has no action ${request.action}`);
  return { service: owner.manifest, action, inputs: inputsOf(state, owner, id), given: request.input ?? {} };
}

/** What the function of an action gets. The same state gives the same input, so a retry runs with what was shown. */
export function actionInput(
  state: ClusterState,
  from: { readonly service: ServiceState; readonly hostComponentId: string; readonly request: ActionRequest },
): ActionInput {
  const owner = from.service.hostComponents.find(({ id }) => id === from.hostComponentId);
  if (!owner) throw new RangeError(`Service ${from.service.name} has no host component ${from.hostComponentId}`);
  return actionInputOf(sceneOf(state, owner, from.request));
}
