export * from '../paths.ts';
export * from './check.ts';
export * from './effective.ts';
export * from './errors.ts';
export * from './evaluate.ts';
export { didYouMean } from './nearest.ts';
export { type ProcessCommand, processCommand, type ResolvedProbe, resolveProbe } from './process.ts';
export { type RenderRequest, renderComponent } from './render.ts';
export { TEMPLATE_HELPERS } from './template.ts';
