import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json, ProcessManifest } from '@stackyard/sdk/manifest';
import { configDir, logDir, toText } from '@stackyard/sdk/render';
import type { ProcessSpec } from '../processes/spec.ts';
import { readState } from '../processes/state.ts';
import { type PhaseContext, textOf, valueOf } from './context.ts';
import { programPath, tailOf } from './programs.ts';

const PASSED = ['PATH', 'LANG', 'TZ'] as const;

/** The declared process of the component as its keeper runs it and remembers it: with its secrets sealed. */
export function processSpec(context: PhaseContext, process: ProcessManifest): ProcessSpec {
  const { user } = context;
  const { inputs } = context.order;
  const sealed = { ...context, inputs };
  return {
    program: programPath(context, textOf(sealed, process.program, 'process.program')),
    args: process.args.flatMap((arg, index) => argumentsOf(valueOf(sealed, arg, `process.args[${index}]`))),
    env: processVariables(sealed, process),
    cwd: logDir(inputs.self),
    logFile: outputLog(context),
    ...(user ? { user } : {}),
  };
}

/** The environment of the declared process: with its secrets, unless the inputs are those where they are sealed. */
export function processVariables(
  definition: Pick<PhaseContext, 'inputs' | 'service' | 'component'>,
  process: ProcessManifest,
): Record<string, string> {
  const { inputs } = definition;
  const env: Record<string, string> = {};
  for (const name of PASSED) {
    const value = globalThis.process.env[name];
    if (value !== undefined) env[name] = value;
  }
  if (inputs.self.javaHome) env['JAVA_HOME'] = inputs.self.javaHome;
  for (const [name, expression] of Object.entries(process.env))
    env[name] = textOf(definition, expression, `process.env.${name}`);
  return { HOME: logDir(inputs.self), ...env };
}

/** A list gives one argument per item, nothing gives none. */
function argumentsOf(value: Json): string[] {
  if (value === null) return [];
  return Array.isArray(value) ? value.map(toText) : [toText(value)];
}

/** Where the output of the component's process goes. */
export function outputLog({ inputs }: Pick<PhaseContext, 'inputs'>): string {
  return join(logDir(inputs.self), 'output.log');
}

/** The last lines of the process's output, for sentences about its failure. */
export async function lastOutput(context: Pick<PhaseContext, 'inputs'>, lines = 20): Promise<string> {
  const file = outputLog(context);
  if (!existsSync(file)) return '';
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const buffer = Buffer.alloc(Math.min(size, 16 * 1024));
    await handle.read(buffer, 0, buffer.length, size - buffer.length);
    return tailOf(buffer.toString('utf8').replaceAll('\0', ''), lines);
  } finally {
    await handle.close();
  }
}

export function processAlive(context: Pick<PhaseContext, 'dir'>): boolean {
  return readState(context.dir).alive;
}

export { configDir, logDir };
