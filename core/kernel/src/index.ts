export { Clock, systemClock } from './clock.ts';
export * from './errors.ts';
export { createKernel, type Kernel, type RunningKernel } from './kernel.ts';
export { type Importer, loadPlugins } from './loadPlugins.ts';
export { type LoadedPlugin, LoadedPlugins } from './loaded.ts';
export { createLogger, Logger, type LoggerOptions, type LogLevel } from './logger.ts';
export {
  definePlugin,
  isPlugin,
  type Plugin,
  type PluginContext,
  type PluginDefinition,
  type Registrar,
  type Undo,
} from './plugin.ts';
export { type Class, provide } from './provide.ts';
export { looksSecret, redact, redactText } from './redact.ts';
export {
  type CatalogueRow,
  catalogueOf,
  defineError,
  type ErrorClass,
  type ErrorFields,
  StackyardError,
} from './stackyardError.ts';
export { type Carried, type Dependency, each, type Each, token, type Token } from './token.ts';
export { nearest } from './nearest.ts';
export {
  defineSettings,
  secret,
  type Setting,
  type Settings,
  type SettingsOf,
  type SettingsOverrides,
  type SettingsShape,
  type SettingsSources,
  type SettingsValues,
} from './settings.ts';
