import { coerce, satisfies } from 'semver';
import type { PackageManifest } from '@stackyard/sdk/manifest';
import { packageDir } from '@stackyard/sdk/render';
import { listed } from './sentences.ts';
import type { ClusterState, HostState } from './state.ts';

/** The JDK that a service gets on a host. */
export interface JavaChoice {
  readonly home: string;
  readonly version: string;
  /** It is the server's runtime, unpacked there, because none of the host suits. */
  readonly packaged: boolean;
}

/**
 * The newest JDK of a host that is in a semver range, else the runtime that the server has for hosts like it; undefined
 * when none is asked for or none fits.
 */
export function javaFor(
  range: string | undefined,
  { facts, arch, root }: Pick<HostState, 'facts' | 'arch' | 'root'>,
  runtime: ClusterState['javaRuntime'],
): JavaChoice | undefined {
  if (range === undefined) return undefined;
  const fits = (version: string | undefined) => version !== undefined && satisfies(version, range);
  const [found] = facts.java
    .filter(({ version }) => fits(featureVersion(version)))
    .toSorted((a, b) => featureNumber(b.version) - featureNumber(a.version));
  if (found) return { home: found.home, version: found.version, packaged: false };
  if (!runtime || !fits(featureVersion(runtime.version)) || !suits(runtime, arch)) return undefined;
  return { home: packageDir(root, runtime.name, runtime.version), version: runtime.version, packaged: true };
}

/** Whether there is an archive of the runtime for a processor. One that its agent has not told is taken for right. */
export function suits({ origins: { url = [], maven, pypi } }: PackageManifest, arch: string | undefined): boolean {
  const all = [...url, ...(pypi?.wheels ?? [])];
  return maven !== undefined || all.some((each) => !each.arch || !arch || each.arch === arch);
}

/** "no Java", or what there is with where it lies. */
export function foundJava({ facts: { java } }: Pick<HostState, 'facts'>): string {
  if (java.length === 0) return 'no Java';
  return listed(
    java.map(({ version, home }) => `Java ${version} in ${home}`),
    3,
  );
}

/** A JDK's version for semver: up to 8 they were called 1.8.0_392, since then 17.0.15. */
function featureVersion(version: string): string | undefined {
  return coerce(version.replace(/^1\.(?=[1-8]\b)/, '').replaceAll('_', '.'))?.version;
}

function featureNumber(version: string): number {
  return Number.parseInt(featureVersion(version) ?? '', 10);
}
