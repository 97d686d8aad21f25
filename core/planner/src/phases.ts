import type { Phase } from '@stackyard/domain';
import type { ComponentManifest } from '@stackyard/sdk/manifest';
import type { PlannedTask } from './plan.ts';
import type { HostComponentState } from './state.ts';

/** Seconds a phase may take where the manifest says nothing. */
const DEFAULT_TIMEOUT_S = 600;

/** Whether a phase has anything to do for a component; a phase that has not is left out of plans. */
const HAS: Record<Phase, (component: ComponentManifest) => boolean> = {
  install: () => true,
  configure: (component) =>
    component.configs.length > 0 || component.files.length > 0 || component.lifecycle.includes('configure'),
  init: (component) => component.lifecycle.includes('init'),
  start: (component) => component.process !== undefined || component.lifecycle.includes('start'),
  prepare: (component) => component.lifecycle.includes('prepare'),
  check: (component) => component.lifecycle.includes('check'),
  stop: (component) => component.process !== undefined || component.lifecycle.includes('stop'),
  remove: () => true,
  reload: (component) => component.lifecycle.includes('reload'),
  settle: (component) => component.lifecycle.includes('settle'),
  action: (component) => component.actions !== undefined,
  // Run by one component for another: the plan says which.
  decommission: () => true,
  recommission: () => true,
};

export function hasPhase(component: ComponentManifest, phase: Phase): boolean {
  return HAS[phase](component);
}

function of<T>(byPhase: Readonly<Partial<Record<Phase, T>>>, phase: Phase): T | undefined {
  return byPhase[phase];
}

/** The task of one phase of one host component. */
export function plannedTask(
  hostComponent: HostComponentState,
  component: ComponentManifest,
  phase: Phase,
  extra: Partial<Pick<PlannedTask, 'data' | 'timeoutMs' | 'idempotent' | 'runsCode'>> = {},
): PlannedTask {
  return {
    hostComponentId: hostComponent.id,
    hostId: hostComponent.hostId,
    service: hostComponent.service,
    component: hostComponent.component,
    phase,
    timeoutMs: (of(component.timeouts, phase) ?? DEFAULT_TIMEOUT_S) * 1000,
    idempotent: of(component.idempotent, phase) ?? true,
    runsCode: (component.lifecycle as readonly Phase[]).includes(phase),
    ...extra,
  };
}
