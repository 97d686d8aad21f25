import semver from 'semver';
import type { StackRow } from '../database/entities.ts';
import { deprecationOf, type Packument, pickVersion } from './packument.ts';
import type { Registries } from './registries.ts';

/** An installed stack against its registry. */
export interface Freshness {
  readonly name: string;
  /** Newest first. */
  readonly installed: readonly string[];
  /** By the tag latest; null when the registry could not be asked. */
  readonly newest: string | null;
  readonly registry: string | null;
  readonly outdated: boolean;
  readonly deprecated: readonly { readonly version: string; readonly message: string }[];
  readonly problem: string | null;
}

/** Asks the registry of each installed stack; one that does not answer leaves the others alone. */
export async function freshnessOf(
  rows: readonly StackRow[],
  registries: Registries,
  signal: AbortSignal,
): Promise<Freshness[]> {
  const names = [...new Set(rows.map(({ name }) => name))].toSorted();
  return Promise.all(
    names.map(async (name) => {
      const installed = semver.rsort(rows.filter((row) => row.name === name).map(({ version }) => version));
      try {
        const { registry, packument } = await registries.packument(name, { signal });
        return judged(name, installed, { registry: registry.name, packument });
      } catch (error) {
        signal.throwIfAborted();
        const problem = (error as Error).message;
        return { name, installed, newest: null, registry: null, outdated: false, deprecated: [], problem };
      }
    }),
  );
}

function judged(
  name: string,
  installed: readonly string[],
  { registry, packument }: { registry: string; packument: Packument },
): Freshness {
  const newest = pickVersion(packument, '*').version;
  const deprecated = installed.flatMap((version) => {
    const known = packument.versions[version];
    const message = known && deprecationOf(known);
    return message === undefined ? [] : [{ version, message }];
  });
  const outdated = installed.every((version) => semver.lt(version, newest));
  return { name, installed, newest, registry, outdated, deprecated, problem: null };
}
