import { expressionsOf, partsOf, type ServiceManifest, type StackManifest } from '@stackyard/sdk/manifest';
import { validRange } from 'semver';
import { metadataOf } from './metadata.ts';
import type { Notice } from './plan.ts';
import { pointer } from './problems.ts';
import { suggestion } from './sentences.ts';

/**
 * What a stack's schema cannot tell: names that mean nothing, dependencies that go in a circle (with the path), ranges
 * that are none. A stack with any of these is refused when it is installed. Pointers lead into the manifest.
 */
export function checkManifest(manifest: StackManifest): Notice[] {
  return [
    ...doubled(manifest.services, '/services', 'service'),
    ...manifest.services.flatMap((service, index) => checkService(service, pointer('services', index))),
    ...metadataOf(manifest.services).problems,
  ];
}

function checkService(service: ServiceManifest, base: string): Notice[] {
  const configs = service.configs.map(({ name }) => name);
  const components = service.components.map(({ name }) => name);
  const { jdk, services } = service.requires;
  return [
    ...doubled(service.configs, `${base}/configs`, 'config'),
    ...doubled(service.components, `${base}/components`, 'component'),
    ...service.components.flatMap((component, index) => {
      const at = `${base}/components/${index}`;
      return [
        ...unknown(component.configs, { known: configs, kind: 'config', service, at: `${at}/configs` }),
        ...unknown(
          [...(component.with ?? []), ...(component.notWith ?? [])]
            .map((neighbour) => neighbour.component)
            .filter((name) => !name.includes('/')),
          { known: components, kind: 'component', service, at: `${at}/notWith` },
        ),
      ];
    }),
    ...(jdk === undefined ? [] : badRange(jdk, `${base}/requires/jdk`)),
    ...services.flatMap(({ range }, index) => badRange(range, `${base}/requires/services/${index}/range`)),
    ...missingRequires(service, base),
  ];
}

function doubled(named: readonly { readonly name: string }[], at: string, kind: string): Notice[] {
  const seen = new Set<string>();
  return named.flatMap(({ name }, index): Notice[] => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [{ code: 'NAME_TWICE', message: `Two ${kind}s are called ${name}. Rename one.`, pointer: `${at}/${index}` }];
  });
}

interface Known {
  readonly known: readonly string[];
  readonly kind: string;
  readonly service: ServiceManifest;
  readonly at: string;
}

function unknown(names: readonly string[], { known, kind, service, at }: Known): Notice[] {
  return names.flatMap((name, index): Notice[] => {
    if (known.includes(name)) return [];
    const message = `Service ${service.name} has no ${kind} ${name}${suggestion(name, known)}`;
    return [{ code: 'NAME_UNKNOWN', message, pointer: `${at}/${index}` }];
  });
}

function badRange(range: string, at: string): Notice[] {
  if (validRange(range) !== null) return [];
  const message = `${JSON.stringify(range)} is no version range. Write one like ">=11" or "^3.8.0".`;
  return [{ code: 'RANGE_INVALID', message, pointer: at }];
}

/** An export of another service can be used only where the service is required: that gives the order. */
function missingRequires(service: ServiceManifest, base: string): Notice[] {
  const required = new Set(service.requires.services.map((other) => other.service));
  const used = new Set(
    expressionsOf(service).flatMap(({ expression }) =>
      partsOf(expression).flatMap((part) => ('import' in part ? [part.import.service] : [])),
    ),
  );
  return [...used]
    .filter((name) => !required.has(name))
    .map((name) => ({
      code: 'REQUIRES_MISSING',
      message: `Service ${service.name} uses an export of ${name} without requiring it. Add ${name} to its "requires".`,
      pointer: `${base}/requires/services`,
    }));
}
