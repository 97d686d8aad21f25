import type { CommandRequest } from '../command.ts';
import { listed } from '../sentences.ts';
import type { HostComponentState } from '../state.ts';
import type { ComponentManifest } from '@stackyard/sdk/manifest';
import { select } from '../target.ts';
import { checkCardinalities, checkRules, refuseUnreachable } from './check.ts';
import type { Draft } from './draft.ts';

/**
 * Takes host components out; a service without any is gone, with its values. Ordinals stay handed out. A lost host may
 * leave a component with fewer host components than its cardinality asks for: that is a warning, since nobody can
 * bring the host back.
 */
export function layoutRemove(draft: Draft, request: Extract<CommandRequest, { command: 'remove' }>): void {
  const leaving = select(draft.state, request.target, draft.problems);
  checkReach(draft, leaving, request);
  const ids = new Set(leaving.map(({ id }) => id));
  for (const service of draft.state.services) {
    const staying = service.hostComponents.filter(({ id }) => !ids.has(id));
    if (staying.length === service.hostComponents.length) continue;
    if (staying.length === 0) draft.services.delete(service.name);
    else {
      const hosts = new Set(staying.map(({ hostId }) => hostId));
      const overrides = Object.fromEntries(Object.entries(service.overrides).filter(([hostId]) => hosts.has(hostId)));
      const left = { ...service, hostComponents: staying, overrides };
      draft.services.set(service.name, left);
    }
  }
  for (const id of ids) draft.removed.add(id);
  const lostHosts = request.lost ? new Set(leaving.map(({ hostId }) => hostId)) : new Set<string>();
  for (const service of draft.changed()) {
    checkCardinalities(draft, service, () => '/target', { lenient: request.lost ?? false, without: lostHosts });
    checkRules(draft, draft.next(), service, { at: '/target', lenient: request.lost ?? false });
  }
  checkStillRequired(draft);
  if (!request.lost) warnOfData(draft, leaving);
}

function checkReach(
  draft: Draft,
  leaving: readonly HostComponentState[],
  { lost = false, data }: Extract<CommandRequest, { command: 'remove' }>,
): void {
  const hosts = new Map(leaving.map((hostComponent) => [hostComponent.hostId, draft.hostOf(hostComponent)]));
  for (const host of hosts.values()) {
    if (lost && host.reachable) {
      const message = `Host ${host.name} answers, so it is not lost. Remove what is on it without "lost".`;
      draft.problems.refuse('HOST_NOT_LOST', message, '/lost');
    } else if (!lost && !host.reachable) {
      refuseUnreachable(draft.problems, host, '/target', 'remove it as "lost" when it will not come back');
    }
  }
  if (lost && data === 'delete') {
    const names = listed([...hosts.values()].map(({ name }) => name));
    const message = `Nothing can be deleted on ${names} now. Delete the data there before a lost host is used again.`;
    draft.problems.warn('DATA_STAYS', message, '/data');
  }
}

/** A service others need can only go together with them. */
function checkStillRequired(draft: Draft): void {
  for (const { name } of draft.state.services) {
    if (draft.services.has(name)) continue;
    const users = [...draft.services.values()].filter(({ manifest }) =>
      manifest.requires.services.some(({ service }) => service === name),
    );
    const needing = users.filter(({ manifest }) =>
      manifest.requires.services.some(({ service, optional }) => service === name && !optional),
    );
    if (needing.length > 0) {
      const names = listed(needing.map((user) => user.name));
      const message = `Service ${name} is required by ${names}. Remove ${names} first.`;
      draft.problems.refuse('STILL_REQUIRED', message, '/target');
    } else if (users.length > 0) {
      const message = `Service ${name} is used by ${listed(users.map((user) => user.name))} where it is there.`;
      draft.problems.warn('STILL_USED', message, '/target');
    }
  }
}

/** What was not emptied takes along what only it has. Where nobody of its kind stays there is nowhere to take it to. */
function warnOfData(draft: Draft, leaving: readonly HostComponentState[]): void {
  const full = leaving.filter((hostComponent) => {
    const { desired, service, component, leaving: how } = hostComponent;
    const stays = draft.services.get(service)?.hostComponents.some((other) => other.component === component);
    return stays && desired !== 'ABSENT' && how !== 'DRAINED' && componentOf(draft, hostComponent)?.decommission;
  });
  for (const [component, all] of Map.groupBy(full, (hostComponent) => componentOf(draft, hostComponent))) {
    const hosts = listed(all.map((hostComponent) => draft.hostOf(hostComponent).name));
    const message = `${component?.title} on ${hosts} was not decommissioned: what only it holds is lost to the service. Decommission it first.`;
    draft.problems.warn('NOT_DECOMMISSIONED', message, '/target');
  }
}

function componentOf({ state }: Draft, hostComponent: HostComponentState): ComponentManifest | undefined {
  const service = state.services.find(({ name }) => name === hostComponent.service);
  return service?.manifest.components.find(({ name }) => name === hostComponent.component);
}
