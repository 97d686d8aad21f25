import type { CommandRequest } from '../command.ts';
import { select } from '../target.ts';
import type { Draft } from './draft.ts';
import { checkPorts } from './ports.ts';
import { overridesById, storeValues } from './values.ts';

/** Replaces the stored values of a service by those given; without any, nothing changes here. */
export function layoutConfigure(draft: Draft, request: Extract<CommandRequest, { command: 'configure' }>): void {
  select(draft.state, request.target, draft.problems);
  if (request.config === undefined && request.overrides === undefined) return;
  if (request.target.service === undefined) {
    const message = 'Values belong to a service. Name the service they are for.';
    draft.problems.refuse('SERVICE_MISSING', message, '/target/service');
    return;
  }
  const service = draft.services.get(request.target.service);
  if (!service) return;
  storeValues(draft, service, {
    at: '',
    values: request.config ?? service.values,
    overrides: request.overrides ? overridesById(draft, service, request.overrides, '/overrides') : service.overrides,
  });
  checkPorts(draft, draft.next());
}
