import type { NeighbourManifest, OsFamily, ServiceManifest } from '@stackyard/sdk/manifest';
import { ExpressionError } from '@stackyard/sdk/render';
import { boundsOf, describeBounds } from '../cardinality.ts';
import { brokenRules } from '../inputs.ts';
import { foundJava, javaFor, suits } from '../java.ts';
import { metadataOf } from '../metadata.ts';
import { pointer, type Problems } from '../problems.ts';
import { counted, listed } from '../sentences.ts';
import type { ClusterState, HostComponentState, HostState, ServiceState } from '../state.ts';
import type { Draft } from './draft.ts';
import { isBehind } from '../versions.ts';
import { checkPorts } from './ports.ts';
import { checkRequires } from './requires.ts';

/** What must hold of every host that gets something new: it answers, and has the JDK that the service asks for. */
export function checkNewHosts(draft: Draft): void {
  const silent = new Map<string, { host: HostState; at: string }>();
  for (const service of draft.services.values()) {
    const range = service.manifest.requires.jdk;
    const checked = new Set<string>();
    for (const hostComponent of service.hostComponents) {
      const at = draft.added.get(hostComponent.id);
      if (at === undefined || checked.has(hostComponent.hostId)) continue;
      checked.add(hostComponent.hostId);
      const host = draft.hostOf(hostComponent);
      if (!host.reachable) silent.set(host.id, { host, at });
      checkFamily(draft, service, host, at);
      checkJava(draft, { host, range, what: service.manifest.title, at });
    }
  }
  for (const { host, at } of silent.values()) refuseUnreachable(draft.problems, host, at);
}

/** A stack names the packages of the operating system for each family: on another one nobody knows what they are called. */
function checkFamily(draft: Draft, { manifest }: ServiceState, host: HostState, at: string): void {
  const named = manifest.requires.os;
  const family = host.os?.family;
  if (!named || (family && named[family])) return;
  const families = Object.entries(named).map(
    ([each, packages]) => `${FAMILY_NAMES[each as OsFamily]} (${packages.join(', ')})`,
  );
  const others = draft
    .members()
    .filter(({ os }) => os?.family && named[os.family])
    .map((other) => other.name);
  const choose =
    others.length === 0
      ? `Add a host with one of these and choose that.`
      : `Choose a host such as ${listed(others, 3)}.`;
  const message = `${manifest.title} needs packages of the operating system, which its stack names for ${families.join(' and ')}, and host ${host.name} runs ${host.os?.name ?? 'a system that its agent has not told of'}. ${choose}`;
  draft.problems.refuse('OS_FAMILY', message, at);
}

const FAMILY_NAMES: Readonly<Record<OsFamily, string>> = { debian: 'Debian', redhat: 'Red Hat', suse: 'SUSE' };

/** `way` is what else can be done than to bring the host back. */
export function refuseUnreachable(problems: Problems, host: HostState, at: string, way = 'leave the host out'): void {
  const message = `Host ${host.name} does not answer. Check the agent on it, or ${way}.`;
  problems.refuse('HOST_UNREACHABLE', message, at);
}

/** What must hold of every host that gets another version: it answers, and has the JDK that the version asks for. */
export function checkUpgradedHosts(draft: Draft, service: ServiceState): void {
  const range = service.manifest.requires.jdk;
  const moving = service.hostComponents.filter((each) => each.desired !== 'ABSENT' && isBehind(service, each));
  for (const host of new Set(moving.map((each) => draft.hostOf(each)))) {
    if (!host.reachable) refuseUnreachable(draft.problems, host, '/service', 'remove what is on it as "lost"');
    const { title, version } = service.manifest;
    checkJava(draft, { host, range, what: `${title} ${version}`, at: '/version' });
  }
}

interface JavaNeed {
  readonly host: HostState;
  readonly range: string | undefined;
  /** Who needs it, as sentences name it. */
  readonly what: string;
  readonly at: string;
}

function checkJava({ problems, state: { javaRuntime } }: Draft, { host, range, what, at }: JavaNeed): void {
  if (range === undefined || javaFor(range, host, javaRuntime)) return;
  const own = javaRuntime
    ? suits(javaRuntime, host.arch)
      ? `The runtime of this server is Java ${javaRuntime.version}, which is not in that range. `
      : `The runtime of this server is not for the processor ${host.arch}. `
    : '';
  const message = `${what} needs a JDK ${range}, and host ${host.name} has ${foundJava(host)}. ${own}Install a JDK ${range} on ${host.name}, or give the server ${javaRuntime ? 'another' : 'a'} runtime by its setting packages.javaRuntime.`;
  problems.refuse('JDK_MISSING', message, at);
}

/** What must hold of the cluster as it will be. `touched`: services the request is about, with where it names them. */
export function checkServices(
  draft: Draft,
  touched: ReadonlyMap<string, string>,
  cardinality: CardinalityOptions = {},
): void {
  const next = draft.next();
  const { problems } = metadataOf(next.services.map(({ manifest }) => manifest));
  for (const { code, message } of problems) draft.problems.refuse(code, message, '/services');
  // Services that wait for each other may export to each other too: their values cannot be computed.
  if (problems.length > 0) return;
  for (const [name, at] of touched) {
    const service = draft.services.get(name);
    if (!service) continue;
    checkCardinalities(draft, service, (component) => `${at}/components${pointer(component)}`, cardinality);
    checkRules(draft, next, service, { at: `${at}/components`, ...cardinality });
  }
  if (draft.joining.size > 0) warnOfOthers(draft, touched);
  checkNeighbours(draft);
  checkRequires(draft, touched);
  checkPorts(draft, next);
}

/** What the stack says that no cluster may be like. */
export function checkRules(
  draft: Draft,
  next: ClusterState,
  service: ServiceState,
  { at, lenient = false }: { readonly at: string; readonly lenient?: boolean },
): void {
  let broken: readonly string[] = [];
  try {
    broken = brokenRules(next, service);
  } catch (error) {
    // What cannot be computed is refused where it is needed.
    if (!(error instanceof ExpressionError)) throw error;
  }
  for (const message of broken) {
    if (lenient) draft.problems.warn('RULE', message, at);
    else draft.problems.refuse('RULE', message, at);
  }
}

export interface CardinalityOptions {
  /** A dead host is let go even where that breaks a rule. */
  readonly lenient?: boolean;
  /** Ids of hosts that do not count as hosts of the cluster. */
  readonly without?: ReadonlySet<string>;
}

/** How many host components each component of a service may have. */
export function checkCardinalities(
  draft: Draft,
  service: ServiceState,
  at: (component: string) => string,
  { lenient = false, without }: CardinalityOptions = {},
): void {
  const hosts = draft.members().filter(({ id }) => !without?.has(id));
  const counts = countsOf(service);
  for (const { name, title, cardinality, prefer } of service.manifest.components) {
    const count = counts.get(name) ?? 0;
    const bounds = boundsOf(cardinality);
    const where = at(name);
    const report = (message: string): void =>
      lenient
        ? draft.problems.warn('CARDINALITY', message, where)
        : draft.problems.refuse('CARDINALITY', message, where);
    if (bounds.all) {
      const missing = missingHosts(service, name, hosts);
      if (missing.length > 0)
        report(`${title} belongs on every host of the cluster; ${listed(missing)} would be without it.`);
    } else if (count < bounds.min || count > bounds.max) {
      const verb = count < bounds.min ? 'Add or keep' : 'Place';
      report(
        `${title} needs ${describeBounds(bounds)}, and there would be ${count}. ${verb} ${describeBounds(bounds)}.`,
      );
    } else if (prefer === 'odd' && count > 0 && count % 2 === 0) {
      const message = `${title} would have ${counted(count, 'member')}. An odd number survives as many failures with one host less.`;
      draft.problems.warn('PREFER_ODD', message, where);
    }
  }
}

function countsOf(service: ServiceState): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { component } of service.hostComponents) counts.set(component, (counts.get(component) ?? 0) + 1);
  return counts;
}

function missingHosts(service: ServiceState, component: string, hosts: readonly HostState[]): string[] {
  const having = new Set(
    service.hostComponents.filter((other) => other.component === component).map(({ hostId }) => hostId),
  );
  return hosts.filter(({ id }) => !having.has(id)).map(({ name }) => name);
}

/** Components of services the request does not name may belong on every host, new ones included. */
function warnOfOthers(draft: Draft, touched: ReadonlyMap<string, string>): void {
  for (const service of draft.services.values()) {
    if (touched.has(service.name)) continue;
    for (const { name, title, cardinality } of service.manifest.components) {
      if (cardinality !== 'all') continue;
      const missing = missingHosts(service, name, draft.members());
      if (missing.length === 0) continue;
      const message = `${title} belongs on every host; ${listed(missing)} would be without it. Add ${name} there too.`;
      draft.problems.warn('CARDINALITY', message);
    }
  }
}

interface Neighbour {
  readonly service: ServiceManifest;
  readonly hostComponent: HostComponentState;
}

/** Components that must, or must not, share a host, where the request brings one of them. */
function checkNeighbours(draft: Draft): void {
  const byHost = new Map<string, Neighbour[]>();
  const hosts = new Set<string>();
  for (const service of draft.services.values()) {
    for (const hostComponent of service.hostComponents) {
      const list = byHost.get(hostComponent.hostId);
      if (list) list.push({ service: service.manifest, hostComponent });
      else byHost.set(hostComponent.hostId, [{ service: service.manifest, hostComponent }]);
      if (draft.added.has(hostComponent.id)) hosts.add(hostComponent.hostId);
    }
  }
  for (const hostId of hosts) {
    const present = byHost.get(hostId) ?? [];
    for (const one of present) checkNeighboursOf(draft, one, present);
  }
}

function checkNeighboursOf(draft: Draft, one: Neighbour, present: readonly Neighbour[]): void {
  const { service, hostComponent } = one;
  const rules = service.components.find(({ name }) => name === hostComponent.component);
  const host = draft.hostOf(hostComponent).name;
  const found = (rule: NeighbourManifest) =>
    present.find(({ service: { name }, hostComponent: { component } }) =>
      rule.component.includes('/')
        ? rule.component === `${name}/${component}`
        : name === service.name && rule.component === component,
    );
  for (const rule of rules?.notWith ?? []) {
    const other = found(rule);
    const at = other && (draft.added.get(hostComponent.id) ?? draft.added.get(other.hostComponent.id));
    if (!other || at === undefined) continue;
    const message = `${hostComponent.component} must not share a host with ${other.hostComponent.component}, and both would be on ${host}${because(rule)}. Place one of them elsewhere.`;
    draft.problems.refuse('NOT_WITH', message, at);
  }
  const at = draft.added.get(hostComponent.id);
  for (const rule of rules?.with ?? []) {
    if (at === undefined || found(rule)) continue;
    const message = `${hostComponent.component} must share its host with ${rule.component}, which ${host} would not have${because(rule)}. Place ${rule.component} there too, or ${hostComponent.component} elsewhere.`;
    draft.problems.refuse('WITH', message, at);
  }
}

function because({ why }: NeighbourManifest): string {
  return why === undefined ? '' : `: ${why}`;
}
