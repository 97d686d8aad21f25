import { type ChildProcess, spawn } from 'node:child_process';
import { isAbsolute, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunResult } from '@stackyard/sdk';
import { PhaseError } from '../errors.ts';
import { commandLine, dropsRights, exportsOf, fixedEnvironment, type ProcessSpec } from '../processes/spec.ts';
import type { PhaseContext } from './context.ts';
import { packagesOf } from './context.ts';
import { ProgramOutput } from './programOutput.ts';

const TAIL_LINES = 20;
const VARIABLES_FD = 3;
const SILENCE_MS = 100;
/** When something prints on and on into the output of a program that has ended. */
const HELD_LIMIT_MS = 2_000;

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

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The service's user unless told; the agent's own where it is empty. */
  readonly user?: string | undefined;
}

/**
 * Runs a program to its end without a shell. Its output goes to the task's log as it comes. What the program leaves running
 * is not waited for, also when it holds the output.
 * @throws PhaseError on a non-zero exit, with the tail of its output
 */
export async function runProgram(
  context: PhaseContext,
  program: string,
  args: readonly string[],
  { env = {}, cwd, user = context.user }: ProgramOptions = {},
): Promise<RunResult> {
  if (context.secrets.some((secret) => args.some((arg) => arg.includes(secret)))) {
    throw new PhaseError(
      `${program} was not run: one of its arguments has a secret in it, and arguments are visible to everybody on the host. Give it by a variable, by a file or by its input.`,
    );
  }
  const spec = {
    program: programPath(context, program),
    args,
    env: { ...environmentOf(context), ...env },
    cwd: cwd ?? packagesOf(context)[0]?.dir ?? context.inputs.self.root,
    logFile: '/dev/null',
    ...(user ? { user } : {}),
  };
  const child = launch(spec, context.signal);
  const [out, err] = [new ProgramOutput(child.stdout, context.log), new ProgramOutput(child.stderr, context.log)];
  const { code, signal } = await exitOf(child).catch((error: Error) => {
    throw new PhaseError(`${program} could not be run: ${error.message}.`, { cause: error });
  });
  if (!(await allRead([out, err]))) {
    context.log(
      `[Something that ${program} left running still holds its output. The task goes on without it, and what it prints ` +
        `from here on is lost: redirect the output of what is meant to keep running.]`,
    );
  }
  const result = { stdout: out.text(), stderr: err.text() };
  if (code === 0) return result;
  const how = signal ? `was ended by ${signal}` : `exited with ${code}`;
  const tail = tailOf(result.stderr || result.stdout);
  throw new PhaseError(`${program} ${args.join(' ')} ${how}.${tail ? `\n${tail}` : ''}`);
}

type Child = ChildProcess & { readonly stdout: Readable; readonly stderr: Readable };

/** As somebody else the program takes its variables in itself, after the agent's rights are gone. */
function launch(spec: ProcessSpec, signal: AbortSignal): Child {
  const options = { cwd: spec.cwd, signal, killSignal: 'SIGTERM' } as const;
  if (!dropsRights(spec)) {
    return spawn(spec.program, spec.args, { ...options, env: spec.env, stdio: ['ignore', 'pipe', 'pipe'] });
  }
  const [file, ...rest] = commandLine(spec, VARIABLES_FD);
  const cookie = spec.env['STACKYARD_ATTEMPT'];
  const env = { ...fixedEnvironment, ...(cookie ? { STACKYARD_ATTEMPT: cookie } : {}) };
  const child = spawn(file, rest, { ...options, env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const variables = child.stdio[VARIABLES_FD] as Writable;
  // It may end before it has read them; then its exit tells.
  variables.on('error', () => undefined);
  variables.end(exportsOf(spec.env));
  return child as unknown as Child;
}

function exitOf(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
}

/** Waits for the end of what an ended program printed; false when somebody else keeps it open. Reads no more after that. */
async function allRead(outputs: readonly ProgramOutput[]): Promise<boolean> {
  const ended = Promise.all(outputs.map((output) => output.ended));
  const seen = (): number => outputs.reduce((sum, { bytes }) => sum + bytes, 0);
  const deadline = performance.now() + HELD_LIMIT_MS;
  // What the program itself printed is in the pipe already, so a moment of silence means that all of it was read.
  for (let before = -1; before !== seen() && performance.now() < deadline;) {
    before = seen();
    if (await Promise.race([ended.then(() => true), delay(SILENCE_MS, false, { ref: false })])) return true;
  }
  for (const output of outputs) output.close();
  return false;
}

export function tailOf(text: string, lines = TAIL_LINES): string {
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}
