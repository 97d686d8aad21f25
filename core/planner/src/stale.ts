import { EFFECTS, type Effect } from '@stackyard/domain';
import type { ComponentManifest, ConfigManifest, ConfigValues, PropertyManifest } from '@stackyard/sdk/manifest';
import { referencesOf } from '@stackyard/sdk/render';
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
 * The host components of `state` whose files, rendered from `next`, differ from what they run, or whose process would be
 * started with other values; the latter alone changes no path. New and leaving ones are not among them.
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
      const effects = effectsOf({ next, service, hostComponent, files, changed, membersChanged });
      if (effects.length > 0) found.push({ hostComponentId: hostComponent.id, changed, effect: strongest(effects) });
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

/** The effect of every change that matters to the host component; empty when there is none. */
function effectsOf({ next, service, hostComponent, files, changed, membersChanged }: Change): Effect[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const configs = new Map(service.manifest.configs.map((config) => [config.name, config]));
  const properties = changedProperties(next, service, hostComponent);
  const ofFiles = changed.flatMap((path): Effect[] => {
    const name = byPath.get(path)?.config;
    const config = name === undefined ? undefined : configs.get(name);
    if (!config) return [EFFECT_OF_DECLARED_FILE];
    const explained = properties.filter((it) => it.config === config).map(({ property }) => property.effect);
    return explained.length === 0 || membersChanged ? [...explained, config.effect] : explained;
  });
  const component = service.manifest.components.find(({ name }) => name === hostComponent.component);
  const ofProcess = properties.filter((it) => component && reachesProcess(component, it));
  return [...ofFiles, ...ofProcess.map(({ property }) => property.effect)].map((effect) =>
    effect === 'pinned' ? 'restart' : effect,
  );
}

interface ChangedProperty {
  readonly config: ConfigManifest;
  readonly property: PropertyManifest;
}

/** Properties whose effective value is another than the host component runs with; none before the first configure. */
function changedProperties(next: ClusterState, service: ServiceState, it: HostComponentState): ChangedProperty[] {
  const applied = it.appliedValues;
  if (!applied) return [];
  const effective: ConfigValues = inputsOf(next, service, it.id).values;
  return service.manifest.configs.flatMap((config) =>
    config.properties
      .filter(({ name }) => canonical(applied[config.name]?.[name]) !== canonical(effective[config.name]?.[name]))
      .map((property) => ({ config, property })),
  );
}

/** Whether a property matters beyond files: it is of a config that is none, or the process is started with it. */
function reachesProcess({ configs, process }: ComponentManifest, { config, property }: ChangedProperty): boolean {
  if (!config.file && configs.includes(config.name)) return true;
  if (!process) return false;
  return [process.program, ...process.args, ...Object.values(process.env)]
    .flatMap(referencesOf)
    .some((ref) => ref.config === config.name && ref.property === property.name);
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
