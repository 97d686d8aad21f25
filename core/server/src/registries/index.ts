export * from './errors.ts';
export { readStackPackage, type StackPackageContent } from './npmTarball.ts';
export { deprecationOf, type Packument, pickVersion, versionsOf } from './packument.ts';
export { type FetchedPackage, MAX_TARBALL, Registries } from './registries.ts';
export { type FoundStack, STACK_KEYWORD } from './search.ts';
export type { RegistrySettings } from './settings.ts';
