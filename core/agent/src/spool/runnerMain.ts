/**
 * The runner process: started ahead, waits on an inherited pipe for one assignment and its release, decides the try, runs
 * the job and leaves `exit`. In which order is `stepRunner`; here it is done.
 */
import { fstatSync, rmdirSync, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { dirname } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { Decision } from '../executor/records.ts';
import {
  createRunnerState,
  type Outcome,
  type RunnerEffect,
  type RunnerEvent,
  stepRunner,
} from '../executor/runner.ts';
import { endingMessage } from '../executor/sentences.ts';
import { hideIn } from '../secrets/redactor.ts';
import { trim, trimmable } from '../logs/trim.ts';
import { joinGroup, leaveGroup } from '../processes/cgroups.ts';
import { statOf } from '../processes/identity.ts';
import { Draft } from './draft.ts';
import { renameIfPresent, syncWithName, syncWithNameSync } from './durable.ts';
import { encodeDecision, encodeExit, monotonicMs, readEnding } from './entry.ts';
import { giveWay } from './giveWay.ts';
import {
  type AgentTells,
  type Assignment,
  attemptCookie,
  type Code,
  type JobContext,
  outputFile,
  pipeFd,
  type Rehearsing,
} from './job.ts';
import { loadModule } from './loadModule.ts';
import { rehearseFiles } from './rehearseFiles.ts';
import { releaseReserve } from './reserve.ts';
import { sentenceOf } from './systemError.ts';

const maxOutputBytes = 512 * 1024;
const logLookMs = 500;
/** Most tasks are over before optimised code pays, and on a busy machine others wait for the cores that make it. */
const optimiseAfterMs = 100;
setFlagsFromString('--no-opt');
/** A fork bomb ends here; what installs and formats products stays far below. Threads count too. */
const maxProcesses = 512;
const [, , warmDir, ...groupWanted] = process.argv as [string, string, string, ...string[]];
const group = joinGroup(groupWanted, { maxProcesses });
const { startTime } = statOf(process.pid)!;
const drafts = { decision: new Draft(`${warmDir}/decision.draft`), exit: new Draft(`${warmDir}/exit.draft`) };
const aborting = new AbortController();
const pipe = new Socket({ fd: pipeFd, readable: true, writable: true });
const state = createRunnerState();
let assignment: Assignment | undefined;
let decision: Decision | undefined;
let adopted = false;
let loading: Promise<Loaded> | undefined;
let isLeaving = false;
let hide = (text: string): string => text;
let saying: Promise<void> = Promise.resolve();

let received = '';
pipe.setEncoding('utf8');
pipe.on('data', (text: string) => {
  const lines = (received + text).split('\n');
  received = lines.pop() ?? '';
  for (const line of lines) {
    const told = JSON.parse(line) as AgentTells;
    if ('rehearse' in told) void rehearse(told.rehearse);
    else if ('assign' in told) {
      assignment = told.assign;
      setTimeout(() => setFlagsFromString('--opt'), optimiseAfterMs).unref();
      happened({ kind: 'assigned' });
    } else happened({ kind: 'released' });
  }
});
pipe.on('error', () => undefined); // the agent is gone: nobody to talk to
pipe.on('close', () => {
  happened({ kind: 'pipeClosed' });
  // Nobody else looks after the log while there is no agent.
  if (adopted && assignment) keepLogShort(`${assignment.attemptDir}/${outputFile}`);
});
process.on('SIGTERM', () => happened({ kind: 'signalled', ending: endingAsked() }));
carryOut({ kind: 'say', word: 'ready' });

function happened(event: RunnerEvent): void {
  for (const effect of stepRunner(state, event)) carryOut(effect);
}

function endingAsked(): string | undefined {
  return assignment && readEnding(assignment.attemptDir);
}

function failed(outcome: Outcome): void {
  happened({ kind: 'ended', outcome, ending: endingAsked() });
}

function carryOut(effect: RunnerEffect): void {
  if (effect.kind === 'say')
    return say(effect.word === 'decided' ? { say: 'decided', decision } : { say: effect.word });
  if (effect.kind === 'leave') return leave(effect.exitCode);
  if (effect.kind === 'abort') return aborting.abort(new Error(endingMessage(effect.ending)));
  if (!assignment) return;
  switch (effect.kind) {
    case 'load':
      loading = load(assignment);
      // Told when it is to run.
      loading.catch(() => undefined);
      return;
    case 'decide':
      return happened({ kind: 'decided', won: decide(assignment) });
    case 'adoptOutput':
      // The open file follows: from here on the output is found in the attempt's directory.
      renameIfPresent(`${warmDir}/${outputFile}`, `${assignment.attemptDir}/${outputFile}`);
      adopted = true;
      return;
    case 'run':
      return void run(assignment);
    case 'writeExit':
      return writeExit(assignment, effect.outcome);
  }
}

function decide({ attemptDir, tryNumber, bootId }: Assignment): boolean {
  decision = {
    verdict: 'run',
    by: 'runner',
    pid: process.pid,
    startTime,
    bootId,
    cookie: process.env[attemptCookie]!,
    group,
    decidedAt: Date.now(),
    decidedMono: monotonicMs(),
  };
  // Before: from then on there must be a result, and a later agent may sweep the warm directory.
  drafts.exit.moveTo(`${attemptDir}/exit.${process.pid}.draft`);
  // Not synced: only a restart of the host can take it away, and what was accepted under another boot is never started.
  return drafts.decision.linkOnce(`${attemptDir}/decision.${tryNumber}`, encodeDecision(decision));
}

async function run(given: Assignment): Promise<void> {
  // Without the agent the pipe keeps nothing alive, and a function may wait for what is no handle.
  const alive = setInterval(() => undefined, 2 ** 30);
  process.on('uncaughtException', (error) => failed(failureOf(error)));
  process.on('exit', (code) => {
    isLeaving = true;
    const message = `The function ended its process with code ${code}.`;
    failed({ exitCode: code || 1, reason: 'EXIT_NONZERO', message });
  });
  try {
    happened({ kind: 'ended', outcome: { exitCode: 0, output: await runJob(given) } });
  } catch (error) {
    failed(failureOf(error));
  } finally {
    clearInterval(alive);
  }
}

/** Nothing depends on it: a runner that could not do it is only slower. */
async function rehearse({ module, code }: Rehearsing): Promise<void> {
  try {
    const { rehearse: goThrough } = (await loadModule(module)) as {
      rehearse?: (dir: string, code: Code | undefined) => Promise<void>;
    };
    if (!assignment) await goThrough?.(warmDir, code);
    if (!assignment) await rehearseFiles(warmDir, process.env[attemptCookie]!);
    rehearseSteps();
  } catch {
    // the task will tell what is wrong
  }
}

function rehearseSteps(): void {
  const scratch = createRunnerState();
  const ended = { kind: 'ended', outcome: { exitCode: 0 } } as const;
  const decided = { kind: 'decided', won: true } as const;
  for (const event of [{ kind: 'assigned' }, { kind: 'released' }, decided, ended, { kind: 'exitWritten' }] as const) {
    stepRunner(scratch, event);
  }
}

interface Loaded {
  readonly run: (input: unknown, context: JobContext) => unknown;
  readonly loaded: unknown;
}

async function load({ job }: Assignment): Promise<Loaded> {
  const module = (await loadModule(job.module)) as { run?: Loaded['run']; load?: (input: unknown) => unknown };
  if (typeof module.run !== 'function') throw new Error(`${job.module} exports no function called run.`);
  return { run: module.run, loaded: await module.load?.(job.input) };
}

async function runJob(given: Assignment): Promise<unknown> {
  const { job, taskId, number, attemptDir } = given;
  const { run, loaded } = await (loading ?? load(given));
  const output = await run(job.input, { taskId, number, attemptDir, loaded, hideBy, signal: aborting.signal });
  const bytes = Buffer.byteLength(JSON.stringify(output) ?? '');
  if (bytes > maxOutputBytes) {
    throw new Error(
      `The function returned ${bytes} bytes; at most ${maxOutputBytes} are taken. Write large results to a file.`,
    );
  }
  return output;
}

function failureOf(error: unknown): Outcome {
  console.error(error);
  const { reason } = error as { reason?: unknown };
  return { exitCode: 1, reason: typeof reason === 'string' ? reason : 'EXIT_NONZERO', message: sentenceOf(error) };
}

/** Secrets neither reach the log nor the result, whoever prints them or puts them in an error. */
function hideBy(hider: (text: string) => string): void {
  hide = hider;
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (text: string, ...rest: unknown[]) => boolean;
    const hidden = (chunk: Uint8Array | string, ...rest: unknown[]): boolean =>
      write(hider(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()), ...rest);
    stream.write = hidden;
  }
}

/** Puts the result on disk, unless there is one; told only when it would survive a power loss. */
function writeExit({ attemptDir }: Assignment, outcome: Outcome): void {
  const { decidedAt: startedAt = Date.now(), decidedMono = monotonicMs() } = decision ?? {};
  const durationMs = Math.round(monotonicMs() - decidedMono);
  const exit = encodeExit({ ...hideIn(outcome, hide), startedAt, durationMs, logSize: fstatSync(1).size });
  const file = `${attemptDir}/exit`;
  try {
    drafts.exit.linkOnce(file, exit);
  } catch (error) {
    if (!releaseReserve(dirname(attemptDir), error)) throw error;
    drafts.exit.linkOnce(file, exit);
  }
  if (!isLeaving) return void syncWithName(file).then(() => happened({ kind: 'exitWritten' }), dieUntold);
  syncWithNameSync(file);
  happened({ kind: 'exitWritten' });
}

/** The agent finds the result, and makes it durable before it tells it. */
function dieUntold(error: unknown): void {
  console.error(error);
  process.exit(1);
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

function say(what: object): void {
  saying = new Promise((resolve) => pipe.write(`${JSON.stringify(what)}\n`, () => resolve()));
}

function leave(exitCode: number): void {
  discardWarmDirectory();
  if (!adopted) leaveGroup(group);
  void saying.then(() => {
    // The last of those who hear of the end. To take its memory apart first would cost as much as a small task.
    process.on('exit', () => {
      // From here on a signal finds nothing that is to be ended in order.
      process.removeAllListeners('SIGTERM');
      // A failed one is waited for, with all that it leaves.
      if (exitCode === 0 && adopted) giveWay();
      process.kill(process.pid, 'SIGKILL');
    });
    process.exit(exitCode);
  });
}

function discardWarmDirectory(): void {
  try {
    for (const draft of Object.values(drafts)) draft.discard();
    if (!adopted) unlinkSync(`${warmDir}/${outputFile}`);
    rmdirSync(warmDir);
  } catch {
    // not empty or gone: the agent sweeps
  }
}
