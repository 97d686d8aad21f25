import type { ComponentManifest, DependencyManifest, ServiceManifest } from '@stackyard/sdk/manifest';
import { GraphBuilder } from './graph/builder.ts';
import { findCycle } from './graph/order.ts';
import { Ordering } from './graph/ordering.ts';
import { hasPhase } from './phases.ts';
import type { Notice } from './plan.ts';
import { pointer } from './problems.ts';
import { suggestion } from './sentences.ts';

/** The phases that dependencies speak of, in the order a host component goes through them. */
export const STEPS = ['install', 'configure', 'init', 'start', 'prepare', 'check'] as const;
export type Step = (typeof STEPS)[number];

export interface MetadataComponent {
  readonly service: string;
  readonly manifest: ComponentManifest;
}

/**
 * What the definitions say about order, without hosts: a node for each step of each component, and one per service
 * that stands for "it can be used". Node of component c and step s: `c * STEPS.length + s`; then one per service.
 */
export interface Metadata {
  readonly components: readonly MetadataComponent[];
  readonly services: readonly string[];
  /** Beyond the order of the steps of one component: [before, after]. */
  readonly edges: readonly (readonly [from: number, to: number])[];
  /** Names that mean nothing and cycles. With any of these there is no order to plan by. */
  readonly problems: readonly Notice[];
}

export function stepNode(component: number, step: Step): number {
  return component * STEPS.length + STEPS.indexOf(step);
}

export function serviceNode({ components }: Pick<Metadata, 'components'>, service: number): number {
  return components.length * STEPS.length + service;
}

/**
 * The order that these services ask for together.
 *
 * Declared: `after` between components; `requires` between services (a service initialises and starts once those it
 * requires have been checked). By default, where no declaration says otherwise: all starts of a component come before
 * its checks, all starts of a service before its `prepare`, and that before the service's checks.
 */
export function metadataOf(manifests: readonly ServiceManifest[]): Metadata {
  const components = manifests.flatMap((service) =>
    service.components.map((manifest): MetadataComponent => ({ service: service.name, manifest })),
  );
  const services = manifests.map(({ name }) => name);
  const metadata = { components, services };
  const declared = declaredEdges(manifests, metadata);
  const ordering = orderingOf(metadata, declared.edges);
  const problems = [...declared.problems, ...cyclesOf(metadata, ordering, declared.edges)];
  if (problems.length > 0) return { ...metadata, edges: declared.edges, problems };
  const defaults = defaultEdges(metadata).filter(([from, to]) => {
    if (ordering.reaches(to, from)) return false;
    ordering.add(from, to);
    return true;
  });
  return { ...metadata, edges: [...declared.edges, ...defaults], problems };
}

type Edge = readonly [from: number, to: number];
type Names = Pick<Metadata, 'components' | 'services'>;

function declaredEdges(manifests: readonly ServiceManifest[], names: Names): { edges: Edge[]; problems: Notice[] } {
  const index = new Map(names.components.map(({ service, manifest }, c) => [`${service}/${manifest.name}`, c]));
  const edges: Edge[] = [];
  const problems: Notice[] = [];
  for (const [s, service] of manifests.entries()) {
    for (const [c, component] of service.components.entries()) {
      const own = index.get(`${service.name}/${component.name}`)!;
      for (const [d, dependency] of component.after.entries()) {
        const on = dependency.on.includes('/') ? dependency.on : `${service.name}/${dependency.on}`;
        const other = index.get(on);
        if (other !== undefined) edges.push([stepNode(other, dependency.after), stepNode(own, dependency.phase)]);
        else if (!isElsewhere(on, service, names.services)) {
          const at = pointer('services', s, 'components', c, 'after', d, 'on');
          problems.push(missingDependency({ service, component, dependency, known: [...index.keys()], at }));
        }
      }
    }
    for (const { service: required } of service.requires.services) {
      const r = names.services.indexOf(required);
      if (r < 0 || r === s) continue;
      // Also between services without processes: their values may come from each other's exports.
      edges.push([serviceNode(names, r), serviceNode(names, s)], ...requireEdges(names, r, service.name));
    }
  }
  return { edges, problems };
}

/** A component of a service that is required and may be absent here: of another stack, or optional. */
function isElsewhere(on: string, service: ServiceManifest, present: readonly string[]): boolean {
  const [name] = on.split('/');
  const required = service.requires.services.some((other) => other.service === name);
  return required && name !== undefined && !present.includes(name);
}

interface Missing {
  readonly service: ServiceManifest;
  readonly component: ComponentManifest;
  readonly dependency: DependencyManifest;
  readonly known: readonly string[];
  readonly at: string;
}

function missingDependency({ service, component, dependency, known, at }: Missing): Notice {
  const own = known
    .filter((name) => name.startsWith(`${service.name}/`))
    .map((name) => name.slice(service.name.length + 1));
  const hint = suggestion(dependency.on, dependency.on.includes('/') ? known : own);
  return {
    code: 'DEPENDENCY_MISSING',
    message: `${service.name}/${component.name} ${dependency.phase} waits for ${dependency.on}, which there is not${hint}`,
    pointer: at,
  };
}

/** What can be used of a service is up, then the requiring one initialises and starts. */
function requireEdges(names: Names, required: number, requiring: string): Edge[] {
  const usable = serviceNode(names, required);
  return names.components.flatMap(({ service, manifest }, c): Edge[] => {
    if (service === requiring)
      return [
        [usable, stepNode(c, 'init')],
        [usable, stepNode(c, 'start')],
      ];
    const counts = hasPhase(manifest, 'start') || hasPhase(manifest, 'check');
    return service === names.services[required] && counts ? [[stepNode(c, 'check'), usable]] : [];
  });
}

function defaultEdges({ components }: Names): Edge[] {
  return components.flatMap(({ service, manifest }, c): Edge[] => {
    const own: Edge[] = [[stepNode(c, 'start'), stepNode(c, 'check')]];
    if (!hasPhase(manifest, 'prepare')) return own;
    const siblings = components.flatMap((other, s) => (other.service === service ? [s] : []));
    return [
      ...own,
      ...siblings.map((s): Edge => [stepNode(s, 'start'), stepNode(c, 'prepare')]),
      ...siblings.map((s): Edge => [stepNode(c, 'prepare'), stepNode(s, 'check')]),
    ];
  });
}

/** The steps of every component in order, and the given edges. */
function orderingOf(names: Names, edges: readonly Edge[]): Ordering {
  const ordering = new Ordering();
  const nodes = serviceNode(names, names.services.length);
  for (let node = 0; node < nodes; node++) ordering.addNode();
  for (let c = 0; c < names.components.length; c++) {
    for (let step = 1; step < STEPS.length; step++) {
      ordering.add(c * STEPS.length + step - 1, c * STEPS.length + step);
    }
  }
  for (const [from, to] of edges) ordering.add(from, to);
  return ordering;
}

/** The steps that wait for themselves, and one cycle of several. */
function cyclesOf(names: Names, ordering: Ordering, edges: readonly Edge[]): Notice[] {
  const builder = new GraphBuilder();
  for (let node = 0; node < ordering.size; node++) builder.addTask();
  for (let node = 0; node < ordering.size; node++) {
    for (const successor of ordering.successors(node)) builder.edge(node, successor);
  }
  const cycle = findCycle(builder.toGraph());
  const loops = edges.filter(([from, to]) => from === to).map(([node]) => [node, node]);
  return [...loops, ...(cycle ? [cycle] : [])].map((found) => {
    const message = `These wait for each other: ${pathOf(names, found).join(' → ')}. Drop one of the dependencies.`;
    return { code: 'CYCLE', message };
  });
}

/** The cycle's steps in words, from one component to the next; of a way through one component only its two ends. */
function pathOf(names: Names, cycle: readonly number[]): string[] {
  const owner = (node: number): number =>
    node < names.components.length * STEPS.length ? Math.floor(node / STEPS.length) : -1 - node;
  const ring = cycle.slice(1);
  const first = ring.findIndex((node, index) => owner(node) !== owner(ring.at(index - 1)!));
  const turned = [...ring.slice(Math.max(0, first)), ...ring.slice(0, Math.max(0, first))];
  const ends = turned.filter((node, index) => {
    const [before, after] = [turned.at(index - 1)!, turned[(index + 1) % turned.length]!];
    return owner(before) !== owner(node) || owner(after) !== owner(node);
  });
  const path = ends.length > 0 ? ends : turned;
  return [...path, path[0]!].map((node) => labelOf(names, node));
}

function labelOf(names: Names, node: number): string {
  const component = names.components[Math.floor(node / STEPS.length)];
  if (component) return `${component.service}/${component.manifest.name} ${STEPS[node % STEPS.length]}`;
  return `service ${names.services[node - names.components.length * STEPS.length]}`;
}
