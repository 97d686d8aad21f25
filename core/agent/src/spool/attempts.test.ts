import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Group, mechanismHere, processesIn } from '../processes/cgroups.ts';
import { isAlive, identityOf } from '../processes/identity.ts';
import { findByCookie } from '../processes/kill.ts';
import { temporaryDirectory, until } from '../processes/testing.ts';
import { Attempts } from './attempts.ts';
import { type AttemptRef, attemptId, type ExitRecord, readProgress } from './entry.ts';
import { fence, traceOf } from './outcome.ts';
import { RunnerPool } from './runnerPool.ts';
import { Spool } from './spool.ts';
import type { TestInput } from './testJob.ts';

const module = join(dirname(fileURLToPath(import.meta.url)), 'testJob.ts');
let root: ReturnType<typeof temporaryDirectory>;
let spool: Spool;
let pool: RunnerPool;
let attempts: Attempts;
let exits: Map<string, ExitRecord>;
let started: { id: string; pid: number }[];
let failures: unknown[];

beforeEach(async () => {
  root = temporaryDirectory('attempts');
  await openAgent();
});
afterEach(async () => {
  for (const accepted of spool.unsettled()) await attempts.end(accepted, { graceMs: 0, reason: 'KILLED' });
  await closeAgent();
  if (failures.length > 0) throw failures[0];
  root.remove();
});

async function openAgent(): Promise<void> {
  const dir = join(root.path, 'spool');
  spool = await Spool.open(dir, { minFreeBytes: 0, reserveBytes: 0 });
  pool = new RunnerPool({ spoolDir: dir, refillMs: 10 });
  exits = new Map();
  started = [];
  failures = [];
  attempts = new Attempts({
    spool,
    pool,
    listener: {
      started: (ref, { pid }) => started.push({ id: attemptId(ref), pid }),
      exited: (ref, exit) => exits.set(attemptId(ref), exit),
      failed: (_ref, error) => failures.push(error),
    },
  });
}
async function closeAgent(): Promise<void> {
  attempts.close();
  pool.close();
  await until('all idle runners are gone', () => pool.idleCount === 0);
  await spool.close();
}
async function accept(): Promise<AttemptRef> {
  const ref = { taskId: randomUUID(), number: 1 };
  await spool.accept({ ref, hash: 'h', payload: Buffer.from('a command') });
  return ref;
}
async function start(input: TestInput): Promise<AttemptRef> {
  const ref = await accept();
  await attempts.start(ref, { module, input });
  return ref;
}
const exitOf = (ref: AttemptRef) => until(`${attemptId(ref)} has exited`, () => exits.get(attemptId(ref)));
const groupOf = async (ref: AttemptRef): Promise<Group> => {
  const { decision } = await readProgress(spool.pathOf(ref));
  return (typeof decision === 'object' && decision.group) || [];
};
const logOf = (ref: AttemptRef) => readFileSync(attempts.logFileOf(ref), 'utf8');

test('an attempt runs in a process of its own and leaves output, log and result on disk', async () => {
  pool.warmUp();
  const ref = await start({ print: 'hello', output: { port: 2181 } });
  const exit = await exitOf(ref);
  expect(exit).toMatchObject({ exitCode: 0, output: { port: 2181 } });
  expect(exit.reason).toBeUndefined();
  expect(logOf(ref)).toBe('hello\n');
  expect(await attempts.logSizeOf(ref)).toBe(6);
  expect(started).toEqual([{ id: attemptId(ref), pid: expect.any(Number) }]);
  expect(started[0]!.pid).not.toBe(process.pid);
  expect(await readProgress(spool.pathOf(ref))).toMatchObject({ tryNumber: 1, decision: { verdict: 'run' }, exit });
});

test('a thrown error fails the attempt with its message and reason, and its trace is in the log', async () => {
  const plain = await start({ fail: 'No space on /data.' });
  expect(await exitOf(plain)).toMatchObject({ exitCode: 1, reason: 'EXIT_NONZERO', message: 'No space on /data.' });
  expect(logOf(plain)).toContain('testJob.ts');
  const named = await start({ fail: 'The artifact changed.', reason: 'ARTIFACT_INTEGRITY' });
  expect(await exitOf(named)).toMatchObject({ reason: 'ARTIFACT_INTEGRITY' });
});

test('a function that ends its process, or a module without run, is a failure that says so', async () => {
  expect(await exitOf(await start({ exitCode: 7 }))).toMatchObject({ exitCode: 7, reason: 'EXIT_NONZERO' });
  const ref = await accept();
  await attempts.start(ref, { module: fileURLToPath(new URL('record.ts', import.meta.url)), input: {} });
  expect((await exitOf(ref)).message).toMatch(/exports no function called run/);
});

test('a runner killed from outside is LOST, and what it left is ended', async () => {
  const ref = await start({ orphans: 1, killSelf: true });
  expect(await exitOf(ref)).toMatchObject({ reason: 'LOST', signal: 'SIGKILL' });
  const { decision } = await readProgress(spool.pathOf(ref));
  expect(typeof decision === 'object' && (await findByCookie(traceOf(decision).cookie))).toEqual([]);
});

test('ending gives a grace, then kills everything of the attempt, and tells the reason', async () => {
  const gentle = await start({ hang: false, sleepMs: 60_000, heedSignal: true });
  await attempts.end(gentle, { graceMs: 5_000, reason: 'KILLED' });
  expect(exits.get(attemptId(gentle))).toMatchObject({ reason: 'KILLED', signal: 'SIGTERM' });

  const deaf = await start({ orphans: 2, hang: true, print: 'hangs' });
  await until('it hangs', () => logOf(deaf).includes('hangs'));
  await attempts.end(deaf, { graceMs: 100, reason: 'TIMEOUT' });
  expect(exits.get(attemptId(deaf))).toMatchObject({ reason: 'TIMEOUT', signal: 'SIGKILL' });
  const { decision } = await readProgress(spool.pathOf(deaf));
  expect(typeof decision === 'object' && (await findByCookie(traceOf(decision).cookie))).toEqual([]);
});

test.skipIf(mechanismHere() === 'cookie-scan')(
  'what cleared its environment and left the session ends with its attempt, however that ends',
  async () => {
    const hung = await start({ escapee: true, hang: true });
    await until('both processes live', async () => processesIn(await groupOf(hung)).length === 2);
    const report = await attempts.end(hung, { graceMs: 50, reason: 'TIMEOUT' });
    expect(report).toEqual({ mechanism: mechanismHere(), forced: true });

    const failed = await start({ escapee: true, fail: 'No space on /data.' });
    const killed = await start({ escapee: true, killSelf: true });
    for (const ref of [failed, killed]) await exitOf(ref);
    for (const ref of [hung, failed, killed]) {
      expect(processesIn(await groupOf(ref))).toEqual([]);
      await until('the cgroup is removed', async () => !(await groupOf(ref)).some((dir) => existsSync(dir)));
    }
  },
);

test('what a failed attempt left is ended too by an agent that was down when it failed', async () => {
  const ref = await start({ orphans: 1, sleepMs: 200, fail: 'No space on /data.' });
  await closeAgent();
  await until('it has failed', () => readdirSync(spool.pathOf(ref)).includes('exit'));
  const { decision } = await readProgress(spool.pathOf(ref));
  if (typeof decision === 'string') throw new Error(`the decision is ${decision}`);
  await openAgent();
  expect(await attempts.recover()).toMatchObject([{ standing: 'EXITED', exit: { reason: 'EXIT_NONZERO' } }]);
  expect(await findByCookie(traceOf(decision).cookie)).toEqual([]);
});

test('a restarted agent follows what runs, reports what ended meanwhile and knows what was lost', async () => {
  const [running, ended, lost, waiting] = [
    await start({ sleepMs: 2_500, output: 'late' }),
    await start({ sleepMs: 50, output: 'meanwhile' }),
    await start({ hang: true }),
    await accept(),
  ];
  attempts.close();
  const runner = identityOf(started[2]!.pid)!;
  process.kill(runner.pid, 'SIGKILL');
  await until('the killed one is gone', () => !isAlive(runner));
  await until('the short one has ended', () => readdirSync(spool.pathOf(ended)).includes('exit'));
  await closeAgent();
  await openAgent();
  const recovered = new Map((await attempts.recover()).map((each) => [attemptId(each.ref), each]));
  expect(recovered.get(attemptId(running))).toMatchObject({ standing: 'STARTED', pid: expect.any(Number) });
  expect(recovered.get(attemptId(ended))).toMatchObject({ standing: 'EXITED', exit: { output: 'meanwhile' } });
  expect(recovered.get(attemptId(lost))).toMatchObject({ standing: 'EXITED', exit: { reason: 'LOST' } });
  expect(recovered.get(attemptId(waiting))).toMatchObject({ standing: 'WAITING' });
  expect(exits.size).toBe(0);
  attempts.resume();
  expect(await exitOf(running)).toMatchObject({ exitCode: 0, output: 'late' });
  await attempts.start(waiting, { module, input: { output: 'as try 2' } });
  expect(await exitOf(waiting)).toMatchObject({ output: 'as try 2' });
  expect(await readProgress(spool.pathOf(waiting))).toMatchObject({ tryNumber: 2 });
});

test('an attempt that was started is never started again', async () => {
  const ref = await start({});
  await expect(attempts.start(ref, { module, input: {} })).rejects.toThrow(/in the journal already/);
  await exitOf(ref);
  await expect(attempts.start(ref, { module, input: {} })).rejects.toThrow(/in the journal already/);
});

test('between a runner that decides and an agent that fences exactly one wins', async () => {
  const tally = join(root.path, 'tally');
  const outcomes: ('fenced' | 'ran')[] = [];
  for (let round = 0; round < 12; round += 1) {
    const ref = await accept();
    const runner = pool.take();
    const attemptDir = spool.pathOf(ref);
    const gone = new Promise<void>((resolve) => runner.onGone(() => resolve()));
    const ready = new Promise<void>((resolve) => runner.onSay((say) => say === 'ready' && resolve()));
    await ready;
    runner.assign({ ...ref, attemptDir, tryNumber: 1, bootId: spool.bootId, job: { module, input: { tally } } });
    await new Promise((resolve) => setTimeout(resolve, round % 4));
    outcomes.push((await fence(spool, ref, 1)) ? 'fenced' : 'ran');
    await gone;
    const starts = tallyOf(tally).filter((id) => id === attemptId(ref)).length;
    expect(starts).toBe(outcomes.at(-1) === 'ran' ? 1 : 0);
    await spool.finish(ref, { startedAt: 0, durationMs: 0 });
  }
});

test('without work the idle runners go, and a runner whose agent is gone ends by itself', async () => {
  const quick = new RunnerPool({ spoolDir: join(root.path, 'spool'), idleMs: 150, warm: 2 });
  quick.warmUp();
  expect(quick.idleCount).toBe(2);
  await until('they are gone', () => quick.idleCount === 0);
  await until(
    'their directories are gone',
    () => readdirSync(join(root.path, 'spool', 'warm')).length === pool.idleCount,
  );
  quick.close();
});

function tallyOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').trim().split('\n');
  } catch {
    return [];
  }
}
