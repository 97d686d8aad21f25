import type { Effect } from '@stackyard/domain';
import type { ComponentManifest } from '@stackyard/sdk/manifest';
import type { LayoutResult } from '../layout/draft.ts';
import type { Plan } from '../plan.ts';
import type { Problems } from '../problems.ts';
import type { ClusterState, HostComponentState, HostState } from '../state.ts';
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
  readonly components: ReadonlyMap<string, ComponentManifest>;
}

export function skip({ skipped }: Choosing, { id }: HostComponentState, reason: string): void {
  skipped.push({ hostComponentId: id, reason });
}

export function componentOf({ components }: Choosing, hostComponent: HostComponentState): ComponentManifest {
  const component = components.get(keyOf(hostComponent));
  if (!component) throw new RangeError(`No manifest has a component ${keyOf(hostComponent)}`);
  return component;
}

export function keyOf({ service, component }: HostComponentState): string {
  return `${service}/${component}`;
}
