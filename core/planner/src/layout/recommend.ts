import type { Expression, Json, PropertyManifest, ServiceManifest } from '@stackyard/sdk/manifest';
import { partsOf } from '@stackyard/sdk/manifest';
import { ExpressionError } from '@stackyard/sdk/render';
import type { Addition } from '../command.ts';
import { inputsOf } from '../inputs.ts';
import type { Notice } from '../plan.ts';
import type { ClusterState, ServiceState } from '../state.ts';
import { layoutAdd } from './add.ts';
import { Draft } from './draft.ts';
import type { LayoutOptions } from './layout.ts';

export interface RecommendedPlace {
  readonly component: string;
  /** Names. */
  readonly hosts: readonly string[];
  /** Why there; `as asked` where the request places it. */
  readonly reason: string;
}

/** A value that the stack computes from facts of the hosts. */
export interface RecommendedValue {
  readonly config: string;
  readonly property: string;
  readonly unit?: string | undefined;
  /** The facts that it is computed from, such as `memory`. */
  readonly from: readonly string[];
  /** Each value with the names of the hosts that get it. */
  readonly values: readonly { readonly value: Json; readonly hosts: readonly string[] }[];
}

export interface Recommendation {
  readonly services: readonly {
    readonly service: string;
    readonly version: string;
    readonly places: readonly RecommendedPlace[];
    readonly values: readonly RecommendedValue[];
  }[];
  /** Why it could not be added as it is. */
  readonly problems: readonly Notice[];
  readonly warnings: readonly Notice[];
}

/**
 * Where services that are to be added best go, and the values that follow from the hosts there. Nothing is refused: what
 * stands in the way is told with the rest, so that a person can go on from there.
 */
export function recommend(
  state: ClusterState,
  additions: readonly Addition[],
  { newId }: LayoutOptions,
): Recommendation {
  const draft = new Draft(state, newId);
  const failed: Notice[] = [];
  const computed = <T>(step: () => T, otherwise: T): T => {
    try {
      return step();
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      failed.push({ code: 'EXPRESSION', message: error.message });
      return otherwise;
    }
  };
  computed(() => layoutAdd(draft, additions), undefined);
  const next = draft.next();
  const services = additions.flatMap(({ service: name }) => draft.services.get(name) ?? []);
  return {
    services: services.map((service) => ({
      service: service.name,
      version: service.manifest.version,
      places: placesOf(draft, service),
      values: computed(() => valuesOf(next, service), []),
    })),
    problems: [...draft.problems.refusals, ...failed],
    warnings: draft.problems.warnings,
  };
}

function placesOf(draft: Draft, service: ServiceState): RecommendedPlace[] {
  return service.manifest.components.flatMap(({ name }) => {
    const hosts = service.hostComponents
      .filter((each) => each.component === name && draft.added.has(each.id))
      .map((each) => draft.hostOf(each).name);
    const reason = draft.reasons.get(`${service.name}/${name}`) ?? 'as asked';
    return hosts.length === 0 ? [] : [{ component: name, hosts, reason }];
  });
}

function valuesOf(next: ClusterState, service: ServiceState): RecommendedValue[] {
  const names = new Map(next.hosts.map(({ id, name }) => [id, name]));
  const wanted = recommended(service.manifest);
  const all = service.hostComponents.map(({ id, hostId, component }) => ({
    host: names.get(hostId) ?? hostId,
    configs: service.manifest.components.find(({ name }) => name === component)?.configs ?? [],
    values: wanted.length > 0 ? inputsOf(next, service, id).values : {},
  }));
  return wanted.map(({ config, property, from }) => {
    const hosts = new Map<string, { value: Json; hosts: string[] }>();
    for (const { host, configs, values } of all) {
      const value = values[config]?.[property.name];
      if (value === undefined || !configs.includes(config)) continue;
      const key = JSON.stringify(value);
      const known = hosts.get(key);
      if (!known) hosts.set(key, { value, hosts: [host] });
      else if (!known.hosts.includes(host)) known.hosts.push(host);
    }
    return { config, property: property.name, unit: property.unit, from, values: [...hosts.values()] };
  });
}

interface Recommended {
  readonly config: string;
  readonly property: PropertyManifest;
  readonly from: readonly string[];
}

/** Properties whose defaults are computed from facts of the host. */
function recommended({ configs }: ServiceManifest): Recommended[] {
  return configs.flatMap(({ name: config, properties }) =>
    properties.flatMap((property) => {
      const from = property.default ? factsIn(property.default) : [];
      return from.length === 0 ? [] : [{ config, property, from }];
    }),
  );
}

function factsIn(expression: Expression): string[] {
  return [...new Set(partsOf(expression).flatMap((part) => ('fact' in part ? [part.fact] : [])))];
}
