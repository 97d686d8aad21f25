export type { Arch, MavenSource, Origin, OriginChoice, PackageDescriptor, UrlSource } from './descriptor.ts';
export type { PackagePhase, PackageProgress } from './progress.ts';
export {
  type CarriedPackage,
  type EnsureOptions,
  PackageRepository,
  type PackageRepositoryOptions,
  type StoredPackage,
} from './repository.ts';
export * from './errors.ts';
