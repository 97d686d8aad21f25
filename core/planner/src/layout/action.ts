import { checkActionInput } from '@stackyard/sdk/render';
import { type ActionRequest, actionNamed } from '../action.ts';
import { suggestion } from '../sentences.ts';
import { select } from '../target.ts';
import type { Draft } from './draft.ts';

/** An action changes nothing of the layout: whether it is there, and can be asked so. */
export function layoutAction(draft: Draft, request: ActionRequest): void {
  const { problems, state } = draft;
  if (request.target.component === undefined) {
    problems.refuse('COMPONENT_MISSING', 'An action belongs to a component. Name the component.', '/target/component');
    return;
  }
  const [first] = select(state, request.target, problems);
  const service = state.services.find(({ name }) => name === first?.service);
  const component = service?.manifest.components.find(({ name }) => name === first?.component);
  if (!component) return;
  const action = actionNamed(component, request.action);
  if (action) {
    for (const { code, message, pointer } of checkActionInput(action, request.input ?? {})) {
      problems.refuse(code, message, pointer);
    }
    return;
  }
  const known = (component.actions ?? []).map(({ name }) => name);
  const message = `Component ${component.name} has no action ${request.action}${suggestion(request.action, known)}`;
  problems.refuse('ACTION_UNKNOWN', message, '/action');
}
