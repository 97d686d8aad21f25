export { checkManifest } from './check.ts';
export * from './config.ts';
export * from './expression.ts';
export * from './inputs.ts';
export { defaultJavaRuntime, JAVA_RUNTIME } from './javaRuntime.ts';
export * from './manifest.ts';
export { directPartsOf, expressionsOf, partsOf, type PlacedExpression } from './walk.ts';
