import { spawn } from 'node:child_process';
import { isAbsolute, join } from 'node:path';
import type { RunResult } from '@stackyard/sdk';
import { PhaseError } from '../errors.ts';
import { commandLine } from '../processes/spec.ts';
import type { PhaseContext } from './context.ts';
import { packagesOf } from './context.ts';

const KEPT_BYTES = 1024 * 1024;
const TAIL_LINES = 20;

/** What a program of the service may see of the agent's environment. The attempt's cookie is among it. */
const PASSED = ['PATH', 'HOME', 'LANG', 'TZ', 'STACKYARD_ATTEMPT'] as const;

export function environmentOf(context: PhaseContext): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of PASSED) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  const { javaHome } = context.inputs.self;
  if (javaHome) environment['JAVA_HOME'] = javaHome;
  return environment;
}

/** `java` is the service's JDK, a name without a slash is looked up in PATH, a relative path lies in the first package. */
export function programPath(context: PhaseContext, program: string): string {
  if (program === 'java') {
    const { javaHome, host } = context.inputs.self;
    const { jdk = 'any version' } = context.service.requires;
    if (javaHome) return join(javaHome, 'bin/java');
    throw new PhaseError(`No JDK (${jdk}) is known on host ${host}. Install one, then retry the task.`);
  }
  if (isAbsolute(program) || !program.includes('/')) return program;
  const [first] = packagesOf(context);
  if (!first) throw new PhaseError(`The program ${program} is relative, but ${context.service.name} has no package.`);
  return join(first.dir, program);
}

/**
 * Runs a program to its end without a shell. Its output goes to the task's log as it comes.
 * @throws PhaseError on a non-zero exit, with the tail of its output
 */
export function runProgram(
  context: PhaseContext,
  program: string,
  args: readonly string[],
  { env = {}, cwd }: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Promise<RunResult> {
  const spec = {
    program: programPath(context, program),
    args,
    env: { ...environmentOf(context), ...env },
    cwd: cwd ?? packagesOf(context)[0]?.dir ?? context.inputs.self.root,
    logFile: '/dev/null',
    ...(context.user ? { user: context.user } : {}),
  };
  const [file = spec.program, ...rest] = commandLine(spec);
  return new Promise((resolve, reject) => {
    const child = spawn(file, rest, {
      cwd: spec.cwd,
      env: spec.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: context.signal,
      killSignal: 'SIGTERM',
    });
    const out = collect(child.stdout, context);
    const err = collect(child.stderr, context);
    child.on('error', (error) => {
      reject(new PhaseError(`${program} could not be run: ${error.message}.`, { cause: error }));
    });
    child.on('close', (code, signal) => {
      const result = { stdout: out.text(), stderr: err.text() };
      if (code === 0) return resolve(result);
      const how = signal ? `was ended by ${signal}` : `exited with ${code}`;
      const tail = tailOf(result.stderr || result.stdout);
      reject(new PhaseError(`${program} ${args.join(' ')} ${how}.${tail ? `\n${tail}` : ''}`));
    });
  });
}

/** Keeps the newest part of a stream and writes all of it, line by line, to the task's log. */
function collect(stream: NodeJS.ReadableStream, context: PhaseContext): { text(): string } {
  let kept = '';
  let line = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    kept = (kept + chunk).slice(-KEPT_BYTES);
    const lines = (line + chunk).split('\n');
    line = lines.pop() ?? '';
    for (const each of lines) context.log(each);
  });
  stream.on('end', () => {
    if (line) context.log(line);
  });
  return { text: () => kept };
}

export function tailOf(text: string, lines = TAIL_LINES): string {
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}
