export * from '../artifact/index.ts';
export {
  isError,
  placeText,
  problemText,
  type SourcePlace,
  StackDefinitionError,
  type StackProblem,
} from '../define/errors.ts';
export { type ManifestOptions, toManifest } from '../define/toManifest.ts';
export { type BuiltStack, buildStack } from './build.ts';
export { type CheckOptions, checkStack, type StackCheck } from './check.ts';
