import type { ActionManifest, ComponentManifest, ConfigManifest, Inputs, Json } from '@stackyard/sdk/manifest';
import { checkValues, effectiveValues, evaluate } from '@stackyard/sdk/render';
import type { RequestOf } from './command.ts';
import { inputsOf } from './inputs.ts';
import type { Notice } from './plan.ts';
import type { ClusterState, ServiceState } from './state.ts';

export type ActionRequest = RequestOf<'action'>;
export type ActionInput = Readonly<Record<string, Json>>;

/** What an action's input is called where its conditions and defaults name each other. No config can be called so. */
const INPUT = '.';

export function actionNamed({ actions = [] }: ComponentManifest, name: string): ActionManifest | undefined {
  return actions.find((action) => action.name === name);
}

/** What is wrong with the input, whoever it goes to; values that are only needed on some hosts are seen there. */
export function checkInput(action: ActionManifest, input: ActionInput): Notice[] {
  const notices = checkValues([configOf(action, action.name)], { [action.name]: input }, { pointer: '' });
  return notices.map((notice) => ({
    ...notice,
    pointer: `/input${notice.pointer?.slice(action.name.length + 1) ?? ''}`,
  }));
}

/** What is wrong with the input for one host component: whether a property is in use may depend on its other values. */
export function checkInputOn(
  inputs: Inputs,
  service: ServiceState,
  action: ActionManifest,
  input: ActionInput,
): Notice[] {
  const values = valuesOf(inputs, service, action, input);
  return action.input.flatMap(({ name, when, optional, help }): Notice[] => {
    if (when === undefined) return [];
    const context = {
      service: withInput(service, action),
      inputs: { ...inputs, values },
      place: `action ${action.name}`,
    };
    const isUsed = evaluate(when, context) === true;
    const pointer = `/input/${name}`;
    if (!isUsed && input[name] !== undefined) {
      const message = `${name} of ${action.name} means nothing beside the other values. Leave it out.`;
      return [{ code: 'VALUE_UNUSED', message, pointer }];
    }
    if (!isUsed || optional || values[INPUT]?.[name] !== undefined) return [];
    return [{ code: 'VALUE_MISSING', message: `${name} of ${action.name} needs a value: ${help}.`, pointer }];
  });
}

/**
 * What the function of an action gets on one host component: what was given, with defaults, as it is on that host; null
 * for what has no value. The same state gives the same input, so a retry runs with what was shown.
 */
export function actionInput(
  state: ClusterState,
  {
    service,
    hostComponentId,
    request,
  }: {
    readonly service: ServiceState;
    readonly hostComponentId: string;
    readonly request: ActionRequest;
  },
): ActionInput {
  const owner = service.hostComponents.find(({ id }) => id === hostComponentId);
  const component = service.manifest.components.find(({ name }) => name === owner?.component);
  const action = component && actionNamed(component, request.action);
  if (!action) throw new RangeError(`Service ${service.name} has no action ${request.action} for ${hostComponentId}`);
  const inputs = inputsOf(state, service, hostComponentId);
  const values = valuesOf(inputs, service, action, request.input ?? {});
  const context = {
    service: withInput(service, action),
    inputs: { ...inputs, values },
    place: `action ${action.name}`,
  };
  return Object.fromEntries(
    action.input.map(({ name }) => [
      name,
      values[INPUT]?.[name] === undefined ? null : evaluate({ property: { config: INPUT, property: name } }, context),
    ]),
  );
}

function valuesOf(inputs: Inputs, service: ServiceState, action: ActionManifest, input: ActionInput): Inputs['values'] {
  const { self, instances, imports, facts } = inputs;
  const values = { ...inputs.values, [INPUT]: input };
  return effectiveValues({ service: withInput(service, action), values, self, instances, imports, facts });
}

function withInput({ manifest }: ServiceState, action: ActionManifest): ServiceState['manifest'] {
  return { ...manifest, configs: [...manifest.configs, configOf(action, INPUT)] };
}

function configOf({ input }: ActionManifest, name: string): ConfigManifest {
  return { name, format: 'properties', file: false, properties: input, effect: 'none' };
}
