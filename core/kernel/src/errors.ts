import type { Problem } from './check.ts';
import { defineError } from './stackyardError.ts';

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const numbered = (sentences: readonly string[]): string =>
  sentences.length === 1 ? String(sentences[0]) : sentences.map((sentence, at) => `\n${at + 1}. ${sentence}`).join('');

export class PluginIdError extends defineError(
  'KERNEL_PLUGIN_ID',
  'Plugin id malformed',
  ({ id }: { id: string }) => `"${id}" cannot be the id of a plugin. Use lower-case words joined by "-" or "."`,
) {}

export class TokensListedTwiceError extends defineError(
  'KERNEL_TOKENS_LISTED_TWICE',
  'Constructor listed twice',
  ({ className }: { className: string }) =>
    `provide(${className}, …) was called twice. Keep the one that stands beside the class.`,
) {}

export class LateRegistrationError extends defineError(
  'KERNEL_LATE_REGISTRATION',
  'Registered too late',
  ({ plugin, token }: { plugin: string; token: string }) =>
    `Plugin "${plugin}" registered "${token}" after its register had returned. Register everything there, synchronously.`,
) {}

export class KernelClosedError extends defineError(
  'KERNEL_CLOSED',
  'Kernel already started',
  ({ call }: { call: string }) => `The kernel was already started, so ${call} came too late. Call it before start().`,
) {}

/** Everything that keeps a set of plugins from fitting together, found before any constructor ran. */
export class WiringError extends defineError(
  'KERNEL_WIRING',
  'Plugins do not fit together',
  ({ problems }: { problems: readonly Problem[] }) =>
    `The plugins do not fit together: ${numbered(problems.map(({ sentence }) => sentence))}`,
) {}

export class NotAskedForError extends defineError(
  'KERNEL_NOT_ASKED_FOR',
  'Resolved what was not asked for',
  ({ plugin, token }: { plugin: string; token: string }) =>
    `Plugin "${plugin}" resolved "${token}", which it neither needs nor provides. Add it to the plugin's needs.`,
) {}

export class NotProvidedError extends defineError(
  'KERNEL_NOT_PROVIDED',
  'Nobody provides a token',
  ({ token }: { token: string }) =>
    `"${token}" was resolved, but nobody provides it. Load a plugin that does, or give it with value().`,
) {}

export class ConstructionError extends defineError(
  'KERNEL_CONSTRUCTION',
  'A constructor failed',
  ({ className, reason }: { className: string; reason: unknown }) =>
    `The constructor of ${className} failed: ${textOf(reason)}`,
) {}

/** A plugin did not start; what had started before it is stopped again. The cause is the plugin's own error. */
export class PluginStartError extends defineError(
  'KERNEL_PLUGIN_START',
  'A plugin did not start',
  ({ plugin, reason, notUndone }: { plugin: string; reason: unknown; notUndone: readonly string[] }) =>
    `Plugin "${plugin}" did not start: ${textOf(reason)}${
      notUndone.length > 0 ? ` (While stopping the others, these failed as well: ${notUndone.join(', ')}.)` : ''
    }`,
) {}

/** Some plugins failed to stop; all were asked to. The cause is an AggregateError with their errors. */
export class KernelStopError extends defineError(
  'KERNEL_STOP',
  'A plugin did not stop',
  ({ plugins, reasons }: { plugins: readonly string[]; reasons: readonly unknown[] }) =>
    `Not everything stopped: ${plugins.map((plugin, at) => `plugin "${plugin}": ${textOf(reasons[at])}`).join('; ')}`,
) {}

export class PluginLoadError extends defineError(
  'KERNEL_PLUGIN_LOAD',
  'Configured plugins cannot be loaded',
  ({ problems }: { problems: readonly { package: string; sentence: string }[] }) =>
    `Configured plugins cannot be loaded: ${numbered(problems.map(({ sentence }) => sentence))}`,
) {}

/** One thing that is wrong with the settings, and where it came from. */
export interface SettingProblem {
  readonly key: string;
  readonly origin: string;
  readonly sentence: string;
}

export class SettingsError extends defineError(
  'KERNEL_SETTINGS',
  'Settings are not valid',
  ({ problems }: { problems: readonly SettingProblem[] }) =>
    `The settings are not valid: ${numbered(problems.map(({ sentence }) => sentence))}`,
) {}

export class LogFileError extends defineError(
  'KERNEL_LOG_FILE',
  'Log file cannot be opened',
  ({ file, reason }: { file: string; reason: string }) =>
    `The log file ${file} cannot be opened: ${reason}. Name a file this user may write, or leave it out to log to standard error.`,
) {}
