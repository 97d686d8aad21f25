import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Group, mechanismHere, processesIn } from '../processes/cgroups.ts';
import { isMachineBusy } from '../processes/contention.ts';
import { isAlive, identityOf, statOf } from '../processes/identity.ts';
import { findByCookie } from '../processes/kill.ts';
import { temporaryDirectory, until } from '../processes/testing.ts';
import type { Happening } from '../session/driver.ts';
import type { EndedHow } from './answer.ts';
import { Attempts } from './attempts.ts';
import { type AttemptRef, attemptId, readProgress } from './entry.ts';
import type { Job } from './job.ts';
import { fence, traceOf } from './outcome.ts';
import { RunnerPool, type RunnerPoolOptions } from './runnerPool.ts';
import { Spool } from './spool.ts';
import type { TestInput } from './testJob.ts';

const module = join(dirname(fileURLToPath(import.meta.url)), 'testJob.ts');
let root: ReturnType<typeof temporaryDirectory>;
let spool: Spool;
let pool: RunnerPool;
let attempts: Attempts;
let heard: Happening[];
let alerts: unknown[];
let endings: EndedHow[];

beforeEach(async () => {
  root = temporaryDirectory('attempts');
  await openAgent();
  await attempts.recover();
  listen();
});
afterEach(async () => {
  for (const { ref } of running()) {
    attempts.ask({ kind: 'end', attempt: ref, graceMs: 0, reason: 'KILLED' });
    await exitOf(ref);
  }
  await closeAgent();
  if (alerts.length > 0) throw new Error(`Something went wrong that no result tells: ${JSON.stringify(alerts)}`);
  root.remove();
});

async function openAgent(options: Partial<RunnerPoolOptions> = {}): Promise<void> {
  const dir = join(root.path, 'spool');
  spool = await Spool.open(dir, { minFreeBytes: 0, reserveBytes: 0 });
  pool = new RunnerPool({ spoolDir: dir, refillMs: 10, ...options });
  heard = [];
  alerts = [];
  endings = [];
  attempts = new Attempts({
    spool,
    pool,
    // The command is the job.
    prepare: async (_ref, envelope) => JSON.parse(envelope.toString()) as Job,
    alert: (...words) => void alerts.push(words),
    ended: (_ref, how) => void endings.push(how),
  });
}
function listen(): void {
  attempts.attach((happening) => void heard.push(happening));
}
async function closeAgent(): Promise<void> {
  attempts.close();
  await pool.close();
  await spool.close();
}
async function accept(input: TestInput = {}, from: Omit<Job, 'input'> = { module }): Promise<AttemptRef> {
  const attempt = { taskId: randomUUID(), number: 1 };
  const terms = { ...attempt, timeoutMs: 0, killGraceMs: 0, startWithinMs: 0 };
  const envelope = Buffer.from(JSON.stringify({ ...from, input } satisfies Job));
  attempts.ask({ kind: 'journal', order: { attempt, hash: 'h', envelope, terms } });
  await until('it is journaled', () => of(attempt, 'journaled'));
  return attempt;
}
async function start(input: TestInput, from?: Omit<Job, 'input'>): Promise<AttemptRef> {
  const ref = await accept(input, from);
  startNow(ref);
  await until('it has started', () => of(ref, 'started') ?? of(ref, 'exited'));
  return ref;
}
function startNow(attempt: AttemptRef): void {
  attempts.ask({ kind: 'start', attempt, until: Infinity });
}
async function end(attempt: AttemptRef, how: { graceMs: number; reason: 'KILLED' | 'TIMEOUT' }): Promise<void> {
  attempts.ask({ kind: 'end', attempt, ...how });
  await exitOf(attempt);
}
function of<K extends Happening['kind']>(ref: AttemptRef, kind: K): Extract<Happening, { kind: K }> | undefined {
  return heard.find(
    (each): each is Extract<Happening, { kind: K }> =>
      each.kind === kind && 'attempt' in each && attemptId(each.attempt) === attemptId(ref),
  );
}
const running = () =>
  heard.flatMap((each) => (each.kind === 'started' && !of(each.attempt, 'exited') ? [{ ref: each.attempt }] : []));
const exitOf = async (ref: AttemptRef) => (await until(`${attemptId(ref)} has exited`, () => of(ref, 'exited'))).result;
const groupOf = async (ref: AttemptRef): Promise<Group> => {
  const { decision } = await readProgress(spool.pathOf(ref));
  return (typeof decision === 'object' && decision.group) || [];
};
const logOf = (ref: AttemptRef) => readFileSync(attempts.logFileOf(ref), 'utf8');
async function leftOf(ref: AttemptRef): Promise<unknown> {
  const { decision } = await readProgress(spool.pathOf(ref));
  return typeof decision === 'object' && findByCookie(traceOf(decision).cookie);
}

test('an attempt runs in a process of its own and leaves output, log and result on disk', async () => {
  pool.warmUp(2);
  const ref = await start({ print: 'hello', output: { outputs: { port: '2181' } } });
  expect(await exitOf(ref)).toMatchObject({
    reason: undefined,
    exitCode: 0,
    outputs: { port: '2181' },
    logSize: 6,
  });
  expect(logOf(ref)).toBe('hello\n');
  expect(await attempts.logSizeOf(ref)).toBe(6);
  expect(heard.map(({ kind }) => kind)).toEqual(['journaled', 'started', 'exited']);
  expect(of(ref, 'started')!.pid).not.toBe(process.pid);
  expect(await readProgress(spool.pathOf(ref))).toMatchObject({
    tryNumber: 1,
    decision: { verdict: 'run', pid: of(ref, 'started')!.pid },
    exit: { exitCode: 0, output: { outputs: { port: '2181' } } },
  });
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
  const ref = await start({}, { module: fileURLToPath(new URL('record.ts', import.meta.url)) });
  expect((await exitOf(ref)).message).toMatch(/exports no function called run/);
});

test('what a function wanted done at the end of its process is done', async () => {
  const file = join(root.path, 'at-exit');
  const ref = await start({ atExit: file, output: {} });
  expect(await exitOf(ref)).toMatchObject({ reason: undefined, exitCode: 0 });
  await until('its process has ended', () => existsSync(file));
  expect(readFileSync(file, 'utf8')).toBe('ended\n');
});

test('on a busy machine a result is told before its process ends, and nothing of its function runs meanwhile', () =>
  onBusyMachine(async () => {
    const file = join(root.path, 'ticks');
    const pid = await givesWay({ ticks: file, sleepMs: 20 });
    const ticks = readFileSync(file, 'utf8');
    await until('its process has ended', () => identityOf(pid) === undefined);
    expect(readFileSync(file, 'utf8')).toBe(ticks);
  }));

test('an agent that stops takes along what only gives way to others', () =>
  onBusyMachine(async () => {
    const pid = await givesWay({});
    await pool.close();
    expect(identityOf(pid)).toBeUndefined();
  }));

/** Gives back the process of an attempt that has its result and still waits for its end. */
async function givesWay(input: TestInput): Promise<number> {
  const ref = await start(input);
  expect(await exitOf(ref)).toMatchObject({ reason: undefined, exitCode: 0 });
  const { pid } = of(ref, 'started')!;
  await until('its process sleeps', () => statOf(pid)?.state === 'S');
  return pid;
}

async function onBusyMachine(test: () => Promise<void>): Promise<void> {
  const others = Array.from({ length: 2 * cpus().length }, () => spawn('/bin/sh', ['-c', 'while :; do :; done']));
  try {
    await until('the machine is busy', () => isMachineBusy());
    await test();
  } finally {
    for (const other of others) other.kill('SIGKILL');
  }
}

test('a runner killed from outside is LOST, and what it left is ended', async () => {
  const ref = await start({ orphans: 1, killSelf: true });
  expect(await exitOf(ref)).toMatchObject({ reason: 'LOST', signal: 'SIGKILL' });
  expect(await leftOf(ref)).toEqual([]);
});

test('ending gives a grace, then kills everything of the attempt, and tells the reason', async () => {
  const gentle = await start({ hang: false, sleepMs: 60_000, heedSignal: true });
  await end(gentle, { graceMs: 5_000, reason: 'KILLED' });
  expect(await exitOf(gentle)).toMatchObject({ reason: 'KILLED', signal: 'SIGTERM' });

  const deaf = await start({ orphans: 2, hang: true, print: 'hangs' });
  await until('it hangs', () => logOf(deaf).includes('hangs'));
  await end(deaf, { graceMs: 100, reason: 'TIMEOUT' });
  expect(await exitOf(deaf)).toMatchObject({ reason: 'TIMEOUT', signal: 'SIGKILL' });
  expect(await leftOf(deaf)).toEqual([]);
});

test('what fails since its program was ended with it has ended for the reason asked for', async () => {
  const ref = await start({ print: 'blocks', blocked: true });
  await until('it is blocked', async () => ((await leftOf(ref)) as unknown[]).length === 2);
  await end(ref, { graceMs: 5_000, reason: 'KILLED' });
  expect(await exitOf(ref)).toMatchObject({ reason: 'KILLED', signal: 'SIGTERM', exitCode: 1 });
});

test.skipIf(mechanismHere() === 'cookie-scan')(
  'what cleared its environment and left the session ends with its attempt, however that ends',
  async () => {
    const hung = await start({ escapee: true, hang: true });
    await until('both processes live', async () => processesIn(await groupOf(hung)).length === 2);
    await end(hung, { graceMs: 50, reason: 'TIMEOUT' });
    expect(endings).toEqual([{ reason: 'TIMEOUT', graceMs: 50, mechanism: mechanismHere(), forced: true }]);

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
  await openAgent();
  expect(await attempts.recover()).toMatchObject([{ standing: 'EXITED', result: { reason: 'EXIT_NONZERO' } }]);
  expect(await leftOf(ref)).toEqual([]);
});

test('while no agent is there, the runner keeps the log of a flood from filling the disk, and says how much there was', async () => {
  const ref = await start({ floodMiB: 256 });
  await closeAgent();
  const most: number[] = [];
  await until('it has ended', () => {
    most.push((statSync(attempts.logFileOf(ref), { throwIfNoEntry: false })?.blocks ?? 0) * 512);
    return existsSync(join(spool.pathOf(ref), 'exit'));
  });
  await openAgent();
  expect(await attempts.recover()).toMatchObject([{ standing: 'EXITED' }]);
  const { exit } = await readProgress(spool.pathOf(ref));
  expect(exit).toMatchObject({ exitCode: 0, logSize: 256 * 2 ** 20 });
  expect(Math.max(...most)).toBeLessThan(192 * 2 ** 20);
});

test('a restarted agent follows what runs, reports what ended meanwhile and knows what was lost', async () => {
  const goOn = join(root.path, 'go-on');
  const [running, ended, lost, waiting] = [
    await start({ untilThere: goOn, output: { outputs: { said: 'late' } } }),
    await start({ sleepMs: 50, output: { outputs: { said: 'meanwhile' } } }),
    await start({ hang: true }),
    await accept({ output: { outputs: { said: 'as try 2' } } }),
  ];
  const runner = identityOf(of(lost, 'started')!.pid)!;
  attempts.close();
  process.kill(runner.pid, 'SIGKILL');
  await until('the killed one is gone', () => !isAlive(runner));
  await until('the short one has ended', () => readdirSync(spool.pathOf(ended)).includes('exit'));
  await closeAgent();
  await openAgent();
  const recovered = new Map((await attempts.recover()).map((each) => [attemptId(each.attempt), each]));
  expect(recovered.get(attemptId(running))).toMatchObject({ standing: 'STARTED', pid: expect.any(Number) });
  expect(recovered.get(attemptId(ended))).toMatchObject({
    standing: 'EXITED',
    result: { outputs: { said: 'meanwhile' } },
  });
  expect(recovered.get(attemptId(lost))).toMatchObject({ standing: 'EXITED', result: { reason: 'LOST' } });
  expect(recovered.get(attemptId(waiting))).toMatchObject({ standing: 'WAITING' });
  expect(heard).toEqual([]);
  listen();
  writeFileSync(goOn, '');
  expect(await exitOf(running)).toMatchObject({ exitCode: 0, outputs: { said: 'late' } });
  startNow(waiting);
  expect(await exitOf(waiting)).toMatchObject({ outputs: { said: 'as try 2' } });
  expect(await readProgress(spool.pathOf(waiting))).toMatchObject({ tryNumber: 2 });
});

test('an agent whose journal is gone ends what ran for it, so that nothing new runs beside that', async () => {
  const ref = await start({ orphans: 1, sleepMs: 60_000 });
  const { decision } = await readProgress(spool.pathOf(ref));
  const { cookie } = traceOf(decision as Exclude<typeof decision, string>);
  expect(await findByCookie(cookie)).not.toEqual([]);
  await closeAgent();
  rmSync(spool.dir, { recursive: true });
  await openAgent();
  expect(await attempts.recover()).toEqual([]);
  listen();
  expect(await findByCookie(cookie)).toEqual([]);
});

test('an attempt leaves its result also when the directory its runner waited in was swept meanwhile', async () => {
  const go = join(root.path, 'go');
  const ref = await start({ untilThere: go, output: { outputs: { a: 1 } } });
  const warm = join(spool.dir, 'warm');
  for (const name of readdirSync(warm)) rmSync(join(warm, name), { recursive: true });
  writeFileSync(go, '');
  expect(await exitOf(ref)).toMatchObject({ exitCode: 0 });
});

test('an attempt that was started is never started again', async () => {
  const tally = join(root.path, 'tally');
  const ref = await start({ tally });
  startNow(ref);
  await exitOf(ref);
  startNow(ref);
  // A second one is journaled, started and over, whatever was asked before it.
  const other = await start({ tally });
  await exitOf(other);
  expect(tallyOf(tally)).toEqual([ref, other].map(attemptId));
});

test('between a runner that decides and an agent that fences exactly one wins', async () => {
  const tally = join(root.path, 'tally');
  const outcomes: ('fenced' | 'ran')[] = [];
  for (let round = 0; round < 12; round += 1) {
    const ref = await accept();
    const runner = pool.take();
    const attemptDir = spool.pathOf(ref);
    const gone = new Promise<void>((resolve) => runner.onGone(() => resolve()));
    const ready = new Promise<void>((resolve) => runner.onSay(({ say }) => say === 'ready' && resolve()));
    await ready;
    runner.assign({ ...ref, attemptDir, tryNumber: 1, bootId: spool.bootId, job: { module, input: { tally } } });
    runner.release();
    await new Promise((resolve) => setTimeout(resolve, round % 4));
    outcomes.push((await fence(spool, ref, 1)).won ? 'fenced' : 'ran');
    await gone;
    const starts = tallyOf(tally).filter((id) => id === attemptId(ref)).length;
    expect(starts).toBe(outcomes.at(-1) === 'ran' ? 1 : 0);
    await spool.finish(ref, { startedAt: 0, durationMs: 0 });
  }
});

test('without work the idle runners go, and a runner whose agent is gone ends by itself', async () => {
  const quick = new RunnerPool({ spoolDir: join(root.path, 'spool'), idleMs: 150 });
  quick.warmUp(2);
  expect(quick.idleCount).toBe(2);
  await until('they are gone', () => quick.idleCount === 0);
  await until(
    'their directories are gone',
    () => readdirSync(join(root.path, 'spool', 'warm')).length === pool.idleCount,
  );
  await quick.close();
});

test('after an attempt the pool is filled again, but not while others wait for a core', async () => {
  let busy = true;
  let looks = 0;
  const isBusy = (): boolean => ((looks += 1), busy);
  const patient = new RunnerPool({ spoolDir: join(root.path, 'spool'), refillMs: 1, isBusy });
  patient.warmUp(2);
  patient.take().dismiss();
  await until('the machine is looked at again', () => looks > 1);
  expect(patient.idleCount).toBe(1);
  busy = false;
  await until('the pool is full', () => patient.idleCount === 2);
  await patient.close();
});

test.runIf(availableParallelism() > 1).each([
  [1, 'is replaced beside its task', 1],
  [100, 'is not replaced at once where many wait for a core', 0],
])('with %i threads for each core the last runner %s', async (threads, _, idle) => {
  const isBusy = (perCore = 1): boolean => threads > perCore;
  const few = new RunnerPool({ spoolDir: join(root.path, 'spool'), isBusy });
  few.warmUp(1);
  few.take().dismiss();
  await new Promise((resolve) => setImmediate(resolve));
  expect(few.idleCount).toBe(idle);
  await few.close();
});

test('the next task of a stack finds its functions loaded, and no runner that has loaded some gets a task of another stack', async () => {
  await closeAgent();
  await openAgent({ rehearses: module, refillMs: 1, isBusy: () => false });
  await attempts.recover();
  listen();
  const task = async (digest: string): Promise<string | undefined> => {
    await until('two runners wait', () => pool.idleCount === 2);
    return (await exitOf(await start({ tellCode: true }, { module, code: { digest, dir: root.path } }))).outputs[
      'code'
    ];
  };
  const loads = (digest: string, times: number) =>
    until(`a runner has loaded ${digest}`, () => tallyOf(join(root.path, digest)).length === times);
  pool.warmUp(2);
  expect(await task('a')).toBe('none');
  await loads('a', 1);
  expect(await task('a')).toBe('a');
  await loads('a', 2);
  // So often its runner is kept, since a job may go from one stack to the other and back.
  for (let turn = 1; turn <= 3; turn += 1) expect(await task('b')).toBe('none');
  await loads('b', 1);
  expect(await task('b')).toBe('b');
});

test('a command that comes to a busy machine gets a runner at once, and only the one it needs', async () => {
  await pool.close();
  pool = new RunnerPool({ spoolDir: join(root.path, 'spool'), isBusy: () => true });
  attempts = new Attempts({
    spool,
    pool,
    prepare: () => new Promise(() => undefined),
    alert: (...words) => void alerts.push(words),
  });
  listen();
  await accept();
  expect(pool.idleCount).toBe(1);
});

test('a pool begins beside runners of the one before it that are just removing what they left', () => {
  const dir = join(root.path, 'other');
  mkdirSync(join(dir, 'warm'), { recursive: true });
  // Listed, and gone when it is looked at.
  symlinkSync(join(dir, 'gone'), join(dir, 'warm', 'gone'));
  expect(new RunnerPool({ spoolDir: dir }).idleCount).toBe(0);
});

test('a pool that has closed has left nothing behind, neither of runners that were just being started nor of one that waits for its release', async () => {
  const warm = join(root.path, 'spool', 'warm');
  const others = new RunnerPool({ spoolDir: join(root.path, 'spool'), rehearses: module });
  others.warmUp(3);
  const ref = await accept();
  const taken = others.take();
  const attemptDir = spool.pathOf(ref);
  taken.assign({ ...ref, attemptDir, tryNumber: 1, bootId: spool.bootId, job: { module, input: {} } });
  const idle = readdirSync(warm);
  expect(idle.length).toBeGreaterThanOrEqual(3);
  await Promise.all([others.close(), pool.close()]);
  expect(readdirSync(warm)).toEqual([]);
  const alive = await Promise.all(idle.map((value) => findByCookie({ name: 'STACKYARD_ATTEMPT', value })));
  expect(alive.flat()).toEqual([]);
  expect((await readProgress(attemptDir)).decision).toBe('none');
});

function tallyOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').trim().split('\n');
  } catch {
    return [];
  }
}
