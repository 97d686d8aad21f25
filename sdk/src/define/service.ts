import type { AlertManifest, DashboardManifest, OsFamily, PackageManifest } from '../manifest/manifest.ts';
import type { Component } from './component.ts';
import type { AnyConfig } from './config.ts';
import { called } from './callSite.ts';
import type { Expr } from './expression.ts';

type PackageOptions = Omit<PackageManifest, 'name' | 'origins'> & PackageManifest['origins'];

/**
 * A product's own archive: where it comes from, by `url` with its sha512, by `maven` coordinates, or both.
 * @example
 * definePackage('tool', { version: '1.2', maven: { archive: 'org.example:tool:tar.gz:bin:1.2' } })
 */
export function definePackage(name: string, { url, maven, ...rest }: PackageOptions): PackageManifest {
  const origins = { ...(url ? { url } : {}), ...(maven ? { maven } : {}) };
  return called({ name, ...rest, origins }, definePackage);
}

export type Requirement =
  | { readonly kind: 'jdk'; readonly range: string }
  | { readonly kind: 'os'; readonly packages: OsPackages }
  | { readonly kind: 'service'; readonly service: string; readonly range: string; readonly optional: boolean };

/**
 * A JDK on every host of the service, by a semver range of its feature version.
 * @example
 * requires: [jdk('>=11')]
 */
export function jdk(range: string): Requirement {
  return called({ kind: 'jdk', range }, jdk);
}

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

export interface ServiceOptions {
  readonly title: string;
  readonly description?: string;
  /** The product's version. */
  readonly version: string;
  /** The user that processes run as. */
  readonly user: string;
  readonly license?: string;
  readonly packages?: readonly PackageManifest[];
  readonly requires?: readonly Requirement[];
  readonly components: readonly Component[];
  /** Configs that no component gets as a file and that belong to the whole service. */
  readonly config?: readonly AnyConfig[];
  /** Values offered to other services. */
  readonly exports?: Readonly<Record<string, Expr | string>>;
  /** Semver ranges of the product: from where an upgrade to this version works, and to where it can be taken back. */
  readonly upgrade?: { readonly from: string; readonly backTo?: string };
  readonly alerts?: Readonly<Record<string, Omit<AlertManifest, 'name'>>>;
  readonly dashboards?: Readonly<Record<string, Omit<DashboardManifest, 'name'>>>;
}

export interface Service {
  readonly name: string;
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

export interface StackOptions {
  readonly title?: string;
  readonly description?: string;
  readonly services: readonly [Service, ...Service[]];
}

export interface Stack {
  readonly stack: StackOptions;
}

/**
 * What a stack package exports by default.
 * @example
 * export default defineStack({ services: [zookeeper] });
 */
export function defineStack(options: StackOptions): Stack {
  return called(Object.freeze({ stack: options }), defineStack);
}
