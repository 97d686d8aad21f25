import { coerce, satisfies } from 'semver';
import type { HostState } from './state.ts';

type Java = HostState['facts']['java'];

/** The home of the newest JDK of a host that is in a semver range; undefined when none is asked for or none fits. */
export function javaHomeFor(range: string | undefined, found: Java): string | undefined {
  if (range === undefined) return undefined;
  return found
    .map(({ home, version }) => ({ home, version: featureVersion(version) }))
    .filter(({ version }) => version !== undefined && satisfies(version, range))
    .toSorted((a, b) => Number.parseInt(b.version ?? '', 10) - Number.parseInt(a.version ?? '', 10))[0]?.home;
}

/** A JDK's version for semver: up to 8 they were called 1.8.0_392, since then 17.0.15. */
function featureVersion(version: string): string | undefined {
  return coerce(version.replace(/^1\.(?=[1-8]\b)/, '').replaceAll('_', '.'))?.version;
}
