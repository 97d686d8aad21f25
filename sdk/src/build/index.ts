export * from '../artifact/index.ts';
export { StackDefinitionError, type StackProblem } from '../define/errors.ts';
export { type ManifestOptions, toManifest } from '../define/toManifest.ts';
export { type BuiltStack, buildStack } from './build.ts';
