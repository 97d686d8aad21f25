import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Code, JobContext } from './job.ts';

/** What the job of the tests does, in this order. */
export interface TestInput {
  /** Appends a line with the attempt's id to this file: one line per start. */
  readonly tally?: string;
  readonly print?: string;
  /** Prints so much, a MiB every few milliseconds. */
  readonly floodMiB?: number;
  /** Leaves this many processes behind, in sessions of their own, deaf to SIGTERM. */
  readonly orphans?: number;
  /** Leaves a process behind that no cookie finds: with an empty environment, in a session of its own. */
  readonly escapee?: boolean;
  readonly sleepMs?: number;
  /** Goes on once this file is there. */
  readonly untilThere?: string;
  readonly heedSignal?: boolean;
  /** Hears of no signal until a program has died of it, and fails then. */
  readonly blocked?: boolean;
  readonly fail?: string;
  readonly reason?: string;
  readonly exitCode?: number;
  readonly killSelf?: boolean;
  readonly hang?: boolean;
  /** Appends a line to this file when its process ends. */
  readonly atExit?: string;
  /** Appends to this file again and again, also after its result. */
  readonly ticks?: string;
  /** Gives back which code the runner had loaded before it got this. */
  readonly tellCode?: boolean;
  readonly output?: unknown;
}

let loaded = 'none';

/** Leaves a line in the directory of the code, for the test to wait for. */
export async function rehearse(_dir: string, code?: Code): Promise<void> {
  if (!code) return;
  loaded = code.digest;
  appendFileSync(join(code.dir, code.digest), `${process.pid}\n`);
}

export async function run(input: TestInput, { taskId, number, signal }: JobContext): Promise<unknown> {
  if (input.tally) appendFileSync(input.tally, `${taskId}/${number}\n`);
  if (input.print) console.log(input.print);
  const { atExit } = input;
  if (atExit) process.on('exit', () => appendFileSync(atExit, 'ended\n'));
  const { ticks } = input;
  if (ticks) setInterval(() => appendFileSync(ticks, '.'), 1);
  for (let left = input.floodMiB ?? 0; left > 0; left -= 1) {
    process.stdout.write('x'.repeat(2 ** 20));
    await delay(8);
  }
  for (let left = input.orphans ?? 0; left > 0; left -= 1) {
    spawn('/bin/sh', ['-c', 'trap "" TERM; while :; do sleep 1; done'], { detached: true, stdio: 'ignore' }).unref();
  }
  if (input.escapee) spawn('/bin/sleep', ['300'], { detached: true, stdio: 'ignore', env: {} }).unref();
  if (input.sleepMs) await delay(input.sleepMs, undefined, input.heedSignal ? { signal } : {});
  while (input.untilThere && !existsSync(input.untilThere)) await delay(10);
  if (input.blocked && spawnSync('/bin/sleep', ['300']).signal) throw new Error('sleep was ended.');
  if (input.fail) throw Object.assign(new Error(input.fail), input.reason ? { reason: input.reason } : {});
  if (input.exitCode !== undefined) process.exit(input.exitCode);
  if (input.killSelf) process.kill(process.pid, 'SIGKILL');
  if (input.hang) await new Promise(() => undefined);
  return input.tellCode ? { outputs: { code: loaded } } : input.output;
}
