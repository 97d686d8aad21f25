import { EFFECTS, type Effect } from '@stackyard/domain';
import type { ConfigManifest, ConfigValues } from '@stackyard/sdk/manifest';
import { inputsOf } from './inputs.ts';
import type { StaleHostComponent } from './plan.ts';
import type { ClusterState, HostComponentState, ServiceState } from './state.ts';

/** What comparing needs of a rendered file. */
export interface RenderedDigest {
  readonly path: string;
  readonly digest: string;
  readonly config?: string | undefined;
}

/** A declared file such as myid is read at start; nothing says that a process would notice a change earlier. */
const EFFECT_OF_DECLARED_FILE: Effect = 'restart';

/**
 * The host components of `state` whose files, rendered from `next`, differ from what they run. New and leaving ones are
 * not among them.
 *
 * The effect is the strongest one of the properties that changed in the configs whose files changed. Where no property
 * explains a changed file, and where the members of the service changed as well, the config's own effect counts.
 */
export function stale(
  state: ClusterState,
  next: ClusterState,
  rendered: ReadonlyMap<string, readonly RenderedDigest[]>,
): StaleHostComponent[] {
  const before = new Map(state.services.map((service) => [service.name, service]));
  const found: StaleHostComponent[] = [];
  for (const service of next.services) {
    const earlier = before.get(service.name);
    if (!earlier) continue;
    const known = new Set(earlier.hostComponents.map(({ id }) => id));
    const membersChanged = placement(earlier) !== placement(service);
    for (const hostComponent of service.hostComponents) {
      const files = rendered.get(hostComponent.id);
      if (!files || !known.has(hostComponent.id)) continue;
      const changed = changedPaths(hostComponent, files);
      if (changed.length === 0) continue;
      const effect = effectOf({ next, service, hostComponent, files, changed, membersChanged });
      found.push({ hostComponentId: hostComponent.id, changed, effect });
    }
  }
  return found;
}

function placement(service: ServiceState): string {
  return service.hostComponents
    .map(({ id }) => id)
    .toSorted()
    .join(' ');
}

/** Paths that are new, differ, or are no longer rendered. */
function changedPaths(hostComponent: HostComponentState, files: readonly RenderedDigest[]): string[] {
  const applied = hostComponent.applied ?? {};
  const present = new Set(files.map(({ path }) => path));
  return [
    ...files.filter(({ path, digest }) => applied[path] !== digest).map(({ path }) => path),
    ...Object.keys(applied).filter((path) => !present.has(path)),
  ].toSorted();
}

interface Change {
  readonly next: ClusterState;
  readonly service: ServiceState;
  readonly hostComponent: HostComponentState;
  readonly files: readonly RenderedDigest[];
  readonly changed: readonly string[];
  readonly membersChanged: boolean;
}

function effectOf({ next, service, hostComponent, files, changed, membersChanged }: Change): Effect {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const configs = new Map(service.manifest.configs.map((config) => [config.name, config]));
  const effective = inputsOf(next, service, hostComponent.id).values;
  const effects = changed.flatMap((path): Effect[] => {
    const name = byPath.get(path)?.config;
    const config = name === undefined ? undefined : configs.get(name);
    if (!config) return [EFFECT_OF_DECLARED_FILE];
    const explained = changedProperties(config, hostComponent.appliedValues ?? {}, effective);
    return explained.length === 0 || membersChanged ? [...explained, config.effect] : explained;
  });
  return strongest(effects.map((effect) => (effect === 'pinned' ? 'restart' : effect)));
}

function changedProperties(config: ConfigManifest, applied: ConfigValues, effective: ConfigValues): Effect[] {
  const [before, after] = [applied[config.name] ?? {}, effective[config.name] ?? {}];
  return config.properties
    .filter(({ name }) => canonical(before[name]) !== canonical(after[name]))
    .map(({ effect }) => effect);
}

export function strongest(effects: readonly Effect[]): Effect {
  return effects.reduce((most, effect) => (EFFECTS.indexOf(effect) > EFFECTS.indexOf(most) ? effect : most), 'none');
}

/** Text that is the same for equal values: a database may hand back the keys of an object in another order. */
export function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) =>
      typeof part === 'object' && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : part,
    ) ?? ''
  );
}
