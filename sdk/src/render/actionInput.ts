import type { ConfigManifest } from '../manifest/config.ts';
import type { Json } from '../manifest/expression.ts';
import type { Inputs, Notice } from '../manifest/inputs.ts';
import type { ActionManifest, ServiceManifest } from '../manifest/manifest.ts';
import { checkValues } from './check.ts';
import { effectiveValues } from './effective.ts';
import { evaluate, type EvaluationContext } from './evaluate.ts';

/** What an operator gives an action, by name. */
export type ActionInput = Readonly<Record<string, Json>>;

/** An action on one host component. */
export interface ActionScene {
  readonly service: ServiceManifest;
  readonly action: ActionManifest;
  readonly inputs: Inputs;
  readonly given: ActionInput;
}

/** What an action's input is called where its conditions and defaults name each other. No config can be called so. */
const INPUT = '.';

/** What is wrong with the input, whoever it goes to: the same checks as those of configs, with pointers into `/input`. */
export function checkActionInput(action: ActionManifest, given: ActionInput): Notice[] {
  const notices = checkValues([configOf(action, action.name)], { [action.name]: given }, { pointer: '' });
  return notices.map((notice) => ({
    ...notice,
    pointer: `/input${notice.pointer?.slice(action.name.length + 1) ?? ''}`,
  }));
}

/** What is wrong with the input for one host component: whether a property is in use may depend on other values. */
export function checkActionInputOn(scene: ActionScene): Notice[] {
  const { action, given } = scene;
  const context = contextOf(scene);
  const values = context.inputs.values[INPUT] ?? {};
  return action.input.flatMap(({ name, when, optional, help }): Notice[] => {
    if (when === undefined) return [];
    const isUsed = evaluate(when, context) === true;
    const pointer = `/input/${name}`;
    if (!isUsed && given[name] !== undefined) {
      const message = `${name} of ${action.name} means nothing beside the other values. Leave it out.`;
      return [{ code: 'VALUE_UNUSED', message, pointer }];
    }
    if (!isUsed || optional || values[name] !== undefined) return [];
    return [{ code: 'VALUE_MISSING', message: `${name} of ${action.name} needs a value: ${help}.`, pointer }];
  });
}

/**
 * What the function of an action gets on one host component: what was given, with defaults, as it is on that host; null
 * for what has no value.
 */
export function actionInputOf(scene: ActionScene): ActionInput {
  const context = contextOf(scene);
  const values = context.inputs.values[INPUT] ?? {};
  return Object.fromEntries(
    scene.action.input.map(({ name }) => [
      name,
      values[name] === undefined ? null : evaluate({ property: { config: INPUT, property: name } }, context),
    ]),
  );
}

/** Effective values with those of the input among them. */
function contextOf({ service, action, inputs, given }: ActionScene): EvaluationContext {
  const withInput = { ...service, configs: [...service.configs, configOf(action, INPUT)] };
  const values = effectiveValues({ ...inputs, service: withInput, values: { ...inputs.values, [INPUT]: given } });
  return { service: withInput, inputs: { ...inputs, values }, place: `action ${action.name}` };
}

function configOf({ input }: ActionManifest, name: string): ConfigManifest {
  return { name, format: 'properties', file: false, properties: input, effect: 'none' };
}
