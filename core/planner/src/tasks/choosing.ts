import type { Effect } from '@stackyard/domain';
import type { ComponentManifest } from '@stackyard/sdk/manifest';
import type { LayoutResult } from '../layout/draft.ts';
import type { Plan } from '../plan.ts';
import type { Problems } from '../problems.ts';
import type { ClusterState, HostComponentState, HostState, ServiceState } from '../state.ts';
import { asRunBy } from '../versions.ts';
import type { Work } from './work.ts';

/** What a plan is made of before anything is ordered. */
export interface Choice {
  readonly works: Work[];
  readonly skipped: Plan['skipped'][number][];
  readonly problems: Problems;
  /** What an operator has to agree to. */
  danger?: string;
  /** As in the plan. */
  readonly drains: Record<string, readonly string[]>;
}

/** A choice being made, with what deciding needs. */
export interface Choosing extends Choice {
  readonly before: ClusterState;
  readonly layout: LayoutResult;
  readonly effects: ReadonlyMap<string, Effect>;
  readonly hosts: ReadonlyMap<string, HostState>;
  readonly services: ReadonlyMap<string, ServiceState>;
  /** The operator asked that host components take turns. */
  readonly inTurns: boolean;
}

export function skip({ skipped }: Choosing, { id }: HostComponentState, reason: string): void {
  skipped.push({ hostComponentId: id, reason });
}

/** By the version it runs. */
export function componentOf({ services }: Choosing, hostComponent: HostComponentState): ComponentManifest {
  const service = services.get(hostComponent.service);
  const found =
    service && asRunBy(service, hostComponent).manifest.components.find(({ name }) => name === hostComponent.component);
  if (!found) throw new RangeError(`No manifest has a component ${keyOf(hostComponent)}`);
  return found;
}

export function isStopped({ desired, observed }: HostComponentState): boolean {
  return desired === 'ABSENT' || (desired === 'INSTALLED' && observed === 'STOPPED');
}

export function keyOf({ service, component }: HostComponentState): string {
  return `${service}/${component}`;
}
