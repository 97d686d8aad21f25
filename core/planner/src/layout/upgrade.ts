import type { PropertyManifest, ServiceManifest } from '@stackyard/sdk/manifest';
import { validRange } from 'semver';
import type { CommandRequest } from '../command.ts';
import type { PropertyChange, UpgradeChange } from '../plan.ts';
import { pointer } from '../problems.ts';
import { listed, suggestion } from '../sentences.ts';
import { canonical } from '../stale.ts';
import type { ConfigValues, Json, ServiceState } from '../state.ts';
import { asRunBy, isBehind, valuesFor } from '../versions.ts';
import { checkServices, checkUpgradedHosts } from './check.ts';
import type { Draft } from './draft.ts';
import { compareVersions, inRange, type ResolvedStack } from './stacks.ts';
import { checkValuesOf } from './values.ts';

type Upgrade = Extract<CommandRequest, { command: 'upgrade' }>;

/**
 * Takes a service to another version of its stack. Its values are kept; those of properties that the version does not
 * have are laid aside until one has them again. Host components stay what they are until their own tasks have run.
 */
export function layoutUpgrade(draft: Draft, request: Upgrade): UpgradeChange | undefined {
  const service = draft.services.get(request.service);
  if (!service) {
    const hint = suggestion(request.service, [...draft.services.keys()]);
    const message = `Cluster ${draft.state.name} has no service ${request.service}${hint}`;
    draft.problems.refuse('SERVICE_UNKNOWN', message, '/service');
    return undefined;
  }
  const target = findVersion(draft, service, request);
  if (!target) return undefined;
  const { stack } = target;
  if (stack.digest === service.stack.digest && !service.hostComponents.some((each) => isBehind(service, each))) {
    const message = `All of ${service.name} runs from ${stack.name} ${stack.version} already. Name another version.`;
    draft.problems.refuse('NOTHING_TO_UPGRADE', message, '/version');
    return undefined;
  }
  checkWay(draft, service, target);
  checkComponents(draft, service, target);
  const next = withVersion(draft, service, target);
  checkUpgradedHosts(draft, next);
  checkServices(draft, new Map([[service.name, '']]), { lenient: true });
  return {
    service: service.name,
    back: compareVersions(service.stack.version, stack.version) > 0,
    from: { stack: service.stack, product: service.manifest.version },
    to: { stack, product: target.manifest.version },
    properties: propertyChanges(service, next),
    newComponents: target.manifest.components
      .map(({ name }) => name)
      .filter((name) => !service.manifest.components.some((component) => component.name === name)),
  };
}

function findVersion(draft: Draft, service: ServiceState, request: Upgrade): ResolvedStack | undefined {
  const name = request.stack ?? service.stack.name;
  const offers = draft.state.stacks.flatMap((stack) => {
    const manifest = stack.services.find((offered) => offered.name === service.name);
    return stack.name === name && manifest ? [{ stack, manifest }] : [];
  });
  const found = offers.find(({ stack }) => stack.version === request.version);
  if (found) {
    const { name: stackName, version, digest } = found.stack;
    return { stack: { name: stackName, version, digest }, manifest: found.manifest };
  }
  if (offers.length === 0) {
    const message = `No installed version of stack ${name} offers ${service.name}. Install one by "stackyard stack install".`;
    draft.problems.refuse('STACK_UNKNOWN', message, request.stack === undefined ? '/version' : '/stack');
    return undefined;
  }
  const known = listed(offers.map(({ stack, manifest }) => `${stack.version} (${manifest.title} ${manifest.version})`));
  const message = `Version ${request.version} of ${name} is not installed; there is ${known}. Install it by "stackyard stack install", or name one of these.`;
  draft.problems.refuse('VERSION_NOT_INSTALLED', message, '/version');
  return undefined;
}

/** Every version that some host component runs must lead to the new one. A revision of the stack alone always does. */
function checkWay(draft: Draft, service: ServiceState, target: ResolvedStack): void {
  const installed = service.hostComponents.filter(({ desired }) => desired !== 'ABSENT');
  const running = new Map(installed.map((each) => asRunBy(service, each)).map((each) => [each.stack.digest, each]));
  running.delete(target.stack.digest);
  for (const { stack, manifest } of running.values()) {
    const { title, version: product } = target.manifest;
    if (product === manifest.version) continue;
    const back = compareVersions(stack.version, target.stack.version) > 0;
    const [author, range, field] = back
      ? ([stack, manifest.upgrade?.backTo, 'backTo'] as const)
      : ([target.stack, target.manifest.upgrade?.from, 'from'] as const);
    const [leads, code] = back ? ['can be taken back', 'NO_WAY_BACK'] : ['can be upgraded', 'NO_UPGRADE'];
    if (range === undefined || validRange(range) === null) {
      const other = back ? product : manifest.version;
      const message = `${author.name} ${author.version} does not say that ${title} ${manifest.version} ${leads} to ${product}. Its author has to write upgrade: { ${back ? `from: …, ` : ''}${field}: '${other}' } in the definition of the service, with the range of versions for which that works.`;
      draft.problems.refuse(`${code}_METADATA`, message, '/version');
    } else if (!inRange(back ? product : manifest.version, range)) {
      const message = back
        ? `${title} ${manifest.version} can be taken back to ${range} only, and ${target.stack.name} ${target.stack.version} holds ${product}.`
        : `${title} ${product} can be reached from ${range}, and ${manifest.version} runs (${stack.name} ${stack.version}). Upgrade to a version in between first.`;
      draft.problems.refuse(code, message, '/version');
    }
  }
}

function checkComponents(draft: Draft, service: ServiceState, { stack, manifest }: ResolvedStack): void {
  const known = new Set(manifest.components.map(({ name }) => name));
  const placed = new Map<string, string[]>();
  for (const hostComponent of service.hostComponents) {
    const { component } = hostComponent;
    if (known.has(component)) continue;
    placed.set(component, [...(placed.get(component) ?? []), draft.hostOf(hostComponent).name]);
  }
  for (const [component, hosts] of placed) {
    const message = `${stack.name} ${stack.version} has no component ${component} any more, and it is on ${listed(hosts)}. Remove ${component} first.`;
    draft.problems.refuse('COMPONENT_GONE', message, '/version');
  }
}

/** The service in its new version, with a config version of its own. */
function withVersion(draft: Draft, service: ServiceState, { stack, manifest }: ResolvedStack): ServiceState {
  const { stack: oldStack, manifest: oldManifest } = service;
  const { values, overrides, laidAside } = valuesFor(manifest, service);
  const others = [{ stack: oldStack, manifest: oldManifest }, ...(service.otherVersions ?? [])];
  const hostComponents = service.hostComponents.map((each) =>
    each.desired === 'ABSENT' ? each : { ...each, stackDigest: each.stackDigest ?? oldStack.digest },
  );
  const used = new Set(hostComponents.map(({ stackDigest }) => stackDigest));
  const next: ServiceState = {
    ...service,
    stack,
    manifest,
    values: withPinned(draft, service, manifest, values),
    overrides,
    laidAside,
    otherVersions: others.filter((other) => other.stack.digest !== stack.digest && used.has(other.stack.digest)),
    generated: withGenerated(draft, manifest, service.generated),
    hostComponents,
    configVersion: service.configVersion + 1,
  };
  checkValuesOf(draft, next, { at: '', values: next.values, overrides });
  draft.newConfigs.set(service.name, '');
  draft.services.set(service.name, next);
  return next;
}

/** What must not move once installed keeps its value where only the default has moved. */
function withPinned(
  draft: Draft,
  service: ServiceState,
  manifest: ServiceManifest,
  values: ConfigValues,
): ConfigValues {
  const kept: Record<string, Record<string, Json>> = Object.fromEntries(
    Object.entries(values).map(([config, properties]) => [config, { ...properties }]),
  );
  for (const config of manifest.configs) {
    for (const property of config.properties) {
      const before = literalOf(propertyOf(service.manifest, config.name, property.name));
      if (property.effect !== 'pinned' || before === undefined) continue;
      if (kept[config.name]?.[property.name] !== undefined || canonical(before) === canonical(literalOf(property))) {
        continue;
      }
      (kept[config.name] ??= {})[property.name] = before;
      const message = `${property.name} of ${config.name} keeps ${text(before)}: it cannot change once ${service.name} is installed, and only the default moves to ${text(literalOf(property))}.`;
      draft.problems.warn('PINNED_KEPT', message, `/config${pointer(config.name, property.name)}`);
    }
  }
  return kept;
}

function withGenerated(draft: Draft, manifest: ServiceManifest, before: ConfigValues): ConfigValues {
  const generated: Record<string, Record<string, Json>> = Object.fromEntries(
    Object.entries(before).map(([config, properties]) => [config, { ...properties }]),
  );
  for (const { name, properties } of manifest.configs) {
    for (const property of properties) {
      if (property.generated) (generated[name] ??= {})[property.name] ??= draft.newId();
    }
  }
  return generated;
}

/** What becomes of properties: those the operator set, and defaults that are new or others. */
function propertyChanges(before: ServiceState, after: ServiceState): PropertyChange[] {
  const changes: PropertyChange[] = [];
  for (const { name: config, properties } of after.manifest.configs) {
    for (const property of properties) {
      const old = propertyOf(before.manifest, config, property.name);
      const value = after.values[config]?.[property.name];
      const at = { config, property: property.name };
      if (!old) {
        if (value === undefined) changes.push({ ...at, change: 'new', after: defaultOf(property) });
        else changes.push({ ...at, change: 'returned', after: value });
      } else if (canonical(defaultOf(old)) !== canonical(defaultOf(property))) {
        const change = value === undefined ? 'default' : 'kept';
        changes.push({ ...at, change, before: defaultOf(old), after: value ?? defaultOf(property) });
      }
    }
  }
  for (const { name: config, properties } of before.manifest.configs) {
    for (const { name: property } of properties) {
      if (propertyOf(after.manifest, config, property)) continue;
      changes.push({ config, property, change: 'gone', before: before.values[config]?.[property] });
    }
  }
  return changes;
}

/** A constant as it is; an expression as the manifest has it. */
function defaultOf({ default: value }: PropertyManifest): Json | undefined {
  return value === undefined ? undefined : 'literal' in value ? value.literal : (value as unknown as Json);
}

function literalOf(property: PropertyManifest | undefined): Json | undefined {
  return property?.default && 'literal' in property.default ? property.default.literal : undefined;
}

function propertyOf(manifest: ServiceManifest, config: string, property: string): PropertyManifest | undefined {
  return manifest.configs.find(({ name }) => name === config)?.properties.find(({ name }) => name === property);
}

function text(value: Json | undefined): string {
  return value === undefined ? 'nothing' : typeof value === 'string' ? value : JSON.stringify(value);
}
