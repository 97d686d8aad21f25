/**
 * The runner process: started ahead, waits on an inherited pipe for one assignment, decides the try, runs the job and leaves
 * `exit`. It needs the agent for the assignment only; an end of the pipe before that ends it, after that it does not matter.
 */
import { fstatSync, rmdirSync, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { dirname, isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { trim, trimmable } from '../logs/trim.ts';
import { joinGroup, leaveGroup } from '../processes/cgroups.ts';
import { statOf } from '../processes/identity.ts';
import { linkOnceSync, renameIfPresent } from './durable.ts';
import { encodeDecision, encodeExit, type ExitRecord, monotonicMs, readEnding } from './entry.ts';
import { type Assignment, attemptCookie, type JobContext, outputFile, pipeFd, type RunnerSays } from './job.ts';
import { endingMessage } from './recover.ts';
import { releaseReserve } from './reserve.ts';
import { sentenceOf } from './systemError.ts';

const maxOutputBytes = 512 * 1024;
const logLookMs = 500;
/** A fork bomb ends here; what installs and formats products stays far below. Threads count too. */
const maxProcesses = 512;
const [, , warmDir, ...groupWanted] = process.argv as [string, string, string, ...string[]];
const group = joinGroup(groupWanted, { maxProcesses });
const aborting = new AbortController();
const pipe = new Socket({ fd: pipeFd, readable: true, writable: true });
let assignment: Assignment | undefined;
let started: { at: number; mono: number } | undefined;
let left = false;

let received = '';
pipe.setEncoding('utf8');
pipe.on('data', (text: string) => {
  received += text;
  const end = received.indexOf('\n');
  if (end < 0 || assignment) return;
  assignment = JSON.parse(received.slice(0, end)) as Assignment;
  received = '';
  void take(assignment);
});
pipe.on('error', () => undefined); // the agent is gone: nobody to talk to
pipe.on('close', () => {
  // Nobody else looks after the log while there is no agent.
  if (assignment) return keepLogShort(`${assignment.attemptDir}/${outputFile}`);
  discardWarmDirectory();
  leaveGroup(group);
  process.exit(0);
});
process.on('SIGTERM', () => {
  if (!started) process.exit(0);
  aborting.abort(new Error(endingMessage(reasonOfEnding())));
});
void say('ready');

async function take(given: Assignment): Promise<void> {
  if (!decide(given)) {
    discardWarmDirectory();
    await say('fenced');
    process.exit(0);
  }
  started = { at: Date.now(), mono: monotonicMs() };
  // The open file follows: from here on the output is found in the attempt's directory.
  renameIfPresent(`${warmDir}/${outputFile}`, `${given.attemptDir}/${outputFile}`);
  discardWarmDirectory();
  void say('decided');
  // Without the agent the pipe keeps nothing alive, and a function may wait for what is no handle.
  const alive = setInterval(() => undefined, 2 ** 30);
  process.on('uncaughtException', (error) => finishFailed(error));
  process.on('exit', (code) => {
    leave({
      exitCode: code || 1,
      reason: 'EXIT_NONZERO',
      message: `The function ended its process with code ${code}.`,
    });
  });
  try {
    finish({ exitCode: 0, output: await runJob(given) });
  } catch (error) {
    finishFailed(error);
  } finally {
    clearInterval(alive);
  }
}

function decide({ attemptDir, tryNumber, bootId }: Assignment): boolean {
  const decision = encodeDecision({
    verdict: 'run',
    by: 'runner',
    pid: process.pid,
    startTime: statOf(process.pid)!.startTime,
    bootId,
    cookie: process.env[attemptCookie]!,
    group,
    decidedAt: Date.now(),
    decidedMono: monotonicMs(),
  });
  return linkOnceSync(`${attemptDir}/decision.${tryNumber}`, decision);
}

async function runJob({ job, taskId, number, attemptDir }: Assignment): Promise<unknown> {
  const url = isAbsolute(job.module) ? pathToFileURL(job.module).href : job.module;
  const module = (await import(url)) as { run?: unknown };
  if (typeof module.run !== 'function') throw new Error(`${job.module} exports no function called run.`);
  const run = module.run as (input: unknown, context: JobContext) => unknown;
  const output = await run(job.input, { taskId, number, attemptDir, signal: aborting.signal });
  const bytes = Buffer.byteLength(JSON.stringify(output) ?? '');
  if (bytes > maxOutputBytes) {
    throw new Error(
      `The function returned ${bytes} bytes; at most ${maxOutputBytes} are taken. Write large results to a file.`,
    );
  }
  return output;
}

function finishFailed(error: unknown): void {
  console.error(error);
  const { reason } = error as { reason?: unknown };
  finish({
    exitCode: 1,
    reason: typeof reason === 'string' ? reason : 'EXIT_NONZERO',
    message: sentenceOf(error),
  });
}

function finish(how: Omit<ExitRecord, 'startedAt' | 'durationMs'>): void {
  leave(how);
  void say('done').then(() => process.exit(how.exitCode ?? 0));
}

/** Puts the result on disk, once. What was being ended has ended for that reason, whatever it made of the signal. */
function leave(how: Omit<ExitRecord, 'startedAt' | 'durationMs'>): void {
  if (left || !started || !assignment) return;
  left = true;
  const reason = aborting.signal.aborted ? reasonOfEnding() : undefined;
  const ended = reason
    ? { exitCode: how.exitCode || 143, signal: 'SIGTERM', reason, message: endingMessage(reason) }
    : how;
  const exit = encodeExit({
    ...ended,
    startedAt: started.at,
    durationMs: Math.round(monotonicMs() - started.mono),
    logSize: fstatSync(1).size,
  });
  const file = `${assignment.attemptDir}/exit`;
  try {
    linkOnceSync(file, exit);
  } catch (error) {
    if (!releaseReserve(dirname(assignment.attemptDir), error)) throw error;
    linkOnceSync(file, exit);
  }
}

function keepLogShort(file: string): void {
  let trimmedTo = 0;
  const look = (): void => {
    const end = trimmable(fstatSync(1).size, trimmedTo);
    if (end === undefined) return;
    trimmedTo = end;
    void trim(file, end);
  };
  setInterval(look, logLookMs).unref();
}

function reasonOfEnding(): string {
  return (assignment && readEnding(assignment.attemptDir)) ?? 'KILLED';
}

function say(what: RunnerSays['say']): Promise<void> {
  return new Promise((resolve) => pipe.write(`${JSON.stringify({ say: what })}\n`, () => resolve()));
}

function discardWarmDirectory(): void {
  try {
    if (!started) unlinkSync(`${warmDir}/${outputFile}`);
    rmdirSync(warmDir);
  } catch {
    // not empty or gone: the agent sweeps
  }
}
