import type { AlertManifest, DashboardManifest, OsFamily, PackageManifest } from '../manifest/manifest.ts';
import type { Component } from './component.ts';
import type { AnyConfig } from './config.ts';
import { called } from './callSite.ts';
import type { Expr } from './expression.ts';
import type { Profile } from './profile.ts';
import type { Rule } from './rule.ts';

/** What `definePackage` takes: a version, where the archive comes from (`url`, `maven`, `pypi`), its root and its digest. */
export type PackageOptions = Omit<PackageManifest, 'name' | 'origins'> & PackageManifest['origins'];

/**
 * A product's own archive: where it comes from, by `url` with its sha512, by `maven` coordinates, or out of a wheel of
 * `pypi`; what is named first is tried first.
 * @example
 * definePackage('tool', { version: '1.2', maven: { archive: 'org.example:tool:tar.gz:bin:1.2' } })
 */
export function definePackage(name: string, { url, maven, pypi, ...rest }: PackageOptions): PackageManifest {
  const origins = { ...(url ? { url } : {}), ...(maven ? { maven } : {}), ...(pypi ? { pypi } : {}) };
  return called({ name, ...rest, origins }, definePackage);
}

/** What hosts and cluster have to have, as `jdk`, `osPackages` and `service` give it. */
export type Requirement =
  | { readonly kind: 'jdk'; readonly range: string }
  | { readonly kind: 'os'; readonly packages: OsPackages }
  | { readonly kind: 'service'; readonly service: string; readonly range: string; readonly optional: boolean };

/**
 * A JDK on every host of the service, by a semver range of its feature version. A host that has none gets the runtime of
 * the server, where that is in the range.
 * @example
 * requires: [jdk('>=11')]
 */
export function jdk(range: string): Requirement {
  return called({ kind: 'jdk', range }, jdk);
}

/** Names of packages by family of distributions: `debian`, `redhat`, `suse`. */
export type OsPackages = Readonly<Partial<Record<OsFamily, readonly [string, ...string[]]>>>;

/**
 * Packages of the operating system, by family. Hosts of a family that is not named are refused.
 * @example
 * requires: [osPackages({ debian: ['redis-server'], redhat: ['redis'] })]
 */
export function osPackages(packages: OsPackages): Requirement {
  return called({ kind: 'os', packages }, osPackages);
}

/**
 * Another service in the cluster, whose exports `importOf` may name.
 * @example
 * requires: [service('zookeeper', '>=3.8', { optional: true })]
 */
export function service(name: string, range: string, { optional = false } = {}): Requirement {
  return called({ kind: 'service', service: name, range, optional }, service);
}

/**
 * What there is to say of a service.
 * @example
 * defineService('cache', {
 *   title: 'Cache',
 *   description: 'Keeps what was asked for lately',
 *   version: '4.2.0',
 *   user: 'cache',
 *   license: 'Apache-2.0',
 *   packages: [definePackage('cache', { version: '4.2.0', maven: { archive: 'org.example:cache:tar.gz:bin:4.2.0' } })],
 *   requires: [jdk('>=17'), service('zookeeper', '>=3.8')],
 *   components: [server, client],
 *   exports: { connect: hostPorts(server, cfg.port) },
 *   upgrade: { from: '>=4.0', backTo: '>=4.1' },
 * })
 */
export interface ServiceOptions {
  /** What people call the product. */
  readonly title: string;
  /** One line for those who do not know it. */
  readonly description?: string;
  /** The product's version. */
  readonly version: string;
  /** The user that processes run as; made at install where the agent has root rights. */
  readonly user: string;
  /** The product's license, as SPDX writes it. */
  readonly license?: string;
  /** Archives of the product, unpacked once on every host of the service. */
  readonly packages?: readonly PackageManifest[];
  /** What hosts and the cluster have to have. */
  readonly requires?: readonly Requirement[];
  /** Its kinds of processes and clients. */
  readonly components: readonly Component[];
  /** Configs that no component gets as a file and that belong to the whole service. */
  readonly config?: readonly AnyConfig[];
  /** What no cluster may be like; by `refuse`. */
  readonly rules?: readonly Rule[];
  /** Values offered to other services. */
  readonly exports?: Readonly<Record<string, Expr | string>>;
  /** Semver ranges of the product: from where an upgrade to this version works, and to where it can be taken back. */
  readonly upgrade?: { readonly from: string; readonly backTo?: string };
  /** Sizes that an operator takes by one word, such as `small`. */
  readonly profiles?: Readonly<Record<string, Profile>>;
  /** Rules for Prometheus, by name such as `CacheDown`. */
  readonly alerts?: Readonly<Record<string, Omit<AlertManifest, 'name'>>>;
  /** Dashboards for Grafana, by name. */
  readonly dashboards?: Readonly<Record<string, Omit<DashboardManifest, 'name'>>>;
}

/** A service as `defineService` gives it. */
export interface Service {
  /** In paths, commands and the names of users: lower-case letters, digits, `_` and `-`. */
  readonly name: string;
  /** What was said of it. */
  readonly options: ServiceOptions;
}

/**
 * A product that is installed and configured as a whole.
 * @example
 * defineService('beat', { title: 'Beat', version: '1.0', user: 'beat', components: [beat] })
 */
export function defineService(name: string, options: ServiceOptions): Service {
  return called(Object.freeze({ name, options }), defineService);
}

/** What there is to say of a stack. */
export interface StackOptions {
  /** The first service's title when absent. */
  readonly title?: string;
  /** One line for those who look for a stack. */
  readonly description?: string;
  /** Its services; most stacks have one. */
  readonly services: readonly [Service, ...Service[]];
}

/** A stack as `defineStack` gives it. */
export interface Stack {
  /** What was said of it. */
  readonly stack: StackOptions;
}

/**
 * What a stack package exports by default.
 * @example
 * export default defineStack({ title: 'ZooKeeper', services: [zookeeper] });
 */
export function defineStack(options: StackOptions): Stack {
  return called(Object.freeze({ stack: options }), defineStack);
}
