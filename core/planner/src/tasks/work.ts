import type { Effect, Phase } from '@stackyard/domain';
import type { ComponentManifest } from '@stackyard/sdk/manifest';
import type { PlannedTask } from '../plan.ts';
import type { HostComponentState } from '../state.ts';

/**
 * What a plan does to one host component.
 *
 * - `fresh`: it is being added. `leaving`: it is being removed. `member`: all else.
 * - `chained`: it takes its turn with the others of its component, the next one only when it is done.
 */
export interface Work {
  readonly hostComponent: HostComponentState;
  readonly component: ComponentManifest;
  readonly role: 'fresh' | 'member' | 'leaving';
  /** In the order they run. */
  readonly phases: readonly Phase[];
  readonly chained: boolean;
  readonly data?: 'keep' | 'delete' | undefined;
  /** Of its tasks, where the phases of the manifest say nothing of them. */
  readonly terms?: Pick<PlannedTask, 'timeoutMs' | 'idempotent' | 'runsCode'> | undefined;
  /** What it runs until it is upgraded: by this definition it is stopped. */
  readonly leaves?: ComponentManifest | undefined;
}

const RESTART: readonly Phase[] = ['stop', 'start', 'check'];

const PHASES_OF_EFFECT: Readonly<Record<Effect, readonly Phase[]>> = {
  none: [],
  reload: ['reload'],
  restart: RESTART,
  rolling: RESTART,
  pinned: RESTART,
};

/** What an effect asks of a running host component after its configure. What cannot reload is restarted. */
export function phasesOfEffect(effect: Effect, { lifecycle }: ComponentManifest): readonly Phase[] {
  return effect === 'reload' && !lifecycle.includes('reload') ? RESTART : PHASES_OF_EFFECT[effect];
}
