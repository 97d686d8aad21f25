import semver from 'semver';
import { z } from 'zod';
import { RegistryVersionNotFoundError } from './errors.ts';

const Deprecated = z.union([z.string(), z.boolean()]).optional();

/** What is read of a version; a registry may say much more. */
const Version = z.looseObject({
  version: z.string(),
  deprecated: Deprecated,
  keywords: z.unknown().optional(),
  stackyard: z.unknown().optional(),
  dist: z.looseObject({ tarball: z.string(), integrity: z.string().optional() }),
});

export const Packument = z.looseObject({
  name: z.string(),
  description: z.string().optional().catch(undefined),
  'dist-tags': z.record(z.string(), z.string()).default({}),
  versions: z.record(z.string(), Version).default({}),
});
export type Packument = z.infer<typeof Packument>;
export type PackumentVersion = z.infer<typeof Version>;

/** The message of a deprecation; '' where its author has left none; undefined when it is not deprecated. */
export function deprecationOf({ deprecated }: Pick<PackumentVersion, 'deprecated'>): string | undefined {
  if (deprecated === undefined || deprecated === false || deprecated === '') return undefined;
  return deprecated === true ? 'its author gives no reason' : deprecated;
}

/**
 * The version that is meant, by npm's rules: a tag or an exact version is that one; of a range "latest" when it fits,
 * else the highest that is not deprecated, else the highest.
 *
 * @throws RegistryVersionNotFoundError
 */
export function pickVersion({ name, versions, 'dist-tags': tags }: Packument, wanted: string): PackumentVersion {
  const named = versions[tags[wanted] ?? ''] ?? versions[semver.clean(wanted) ?? ''];
  if (named) return named;
  const all = Object.keys(versions);
  const newest = semver.rsort(all.filter((each) => semver.valid(each) === each)).slice(0, 5);
  const range = semver.validRange(wanted);
  if (range === null) throw new RegistryVersionNotFoundError({ stack: name, wanted, newest });
  const latest = versions[tags['latest'] ?? ''];
  const sound = (version: string): boolean => deprecationOf(versions[version]!) === undefined;
  const best =
    latest && semver.satisfies(latest.version, range) && sound(latest.version)
      ? latest.version
      : (semver.maxSatisfying(all.filter(sound), range) ?? semver.maxSatisfying(all, range));
  const found = versions[best ?? ''];
  if (!found) throw new RegistryVersionNotFoundError({ stack: name, wanted, newest });
  return found;
}

/** Newest first. */
export function versionsOf({ versions }: Packument): PackumentVersion[] {
  return semver
    .rsort(Object.keys(versions).filter((each) => semver.valid(each) === each))
    .map((each) => versions[each]!);
}

/** The sha512 of an SRI string, base64; nothing weaker counts. */
export function sha512Of(integrity: string | undefined): string | undefined {
  return /(?:^|\s)sha512-([A-Za-z0-9+/]{86}==)(?=$|[\s?])/.exec(integrity ?? '')?.[1];
}
