import type { Effect, Phase } from '@stackyard/domain';
import type { ComponentManifest } from '@stackyard/sdk/manifest';
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
}

/** What an effect asks of a running host component after its configure; `reload` restarts, there is no milder way yet. */
export const PHASES_OF_EFFECT: Readonly<Record<Effect, readonly Phase[]>> = {
  none: [],
  reload: ['stop', 'start', 'check'],
  restart: ['stop', 'start', 'check'],
  rolling: ['stop', 'start', 'check'],
  pinned: ['stop', 'start', 'check'],
};
