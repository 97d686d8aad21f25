import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { identityOf } from '../processes/identity.ts';
import { temporaryDirectory } from '../processes/testing.ts';
import { linkOnce } from './durable.ts';
import { type AttemptRef, attemptId, encodeDecision } from './entry.ts';
import { SpoolFullError } from './errors.ts';
import { fence, observe } from './outcome.ts';
import { Spool } from './spool.ts';

let root: ReturnType<typeof temporaryDirectory>;
let dir: string;
let spool: Spool;
beforeEach(async () => {
  root = temporaryDirectory('spool');
  dir = join(root.path, 'spool');
  spool = await Spool.open(dir, { minFreeBytes: 0, reserveBytes: 0 });
});
afterEach(async () => {
  await spool.close();
  root.remove();
});

const exit = { exitCode: 0, startedAt: 1, durationMs: 2 };
async function accept(number = 1, taskId: string = randomUUID()): Promise<AttemptRef> {
  await spool.accept({ ref: { taskId, number }, hash: 'abc', payload: Buffer.from([0, 255, 10, 7]) });
  return { taskId, number };
}
async function reopen(bootId?: string): Promise<void> {
  await spool.close();
  spool = await Spool.open(dir, { minFreeBytes: 0, reserveBytes: 0, ...(bootId ? { bootId } : {}) });
}

test('an accepted command is found again with its very bytes, in a directory only we may read', async () => {
  const ref = await accept();
  const { journalId } = spool;
  await reopen();
  expect(spool.journalId).toBe(journalId);
  expect(spool.phaseOf(ref)).toBe('ACCEPTED');
  expect(spool.acceptedOf(ref)).toMatchObject({ ...ref, hash: 'abc', bootId: spool.bootId });
  expect([...(await spool.payloadOf(ref))]).toEqual([0, 255, 10, 7]);
  expect(statSync(spool.pathOf(ref)).mode & 0o777).toBe(0o700);
  expect(statSync(join(spool.pathOf(ref), 'cmd')).mode & 0o777).toBe(0o600);
});

test('many commands at once are kept apart, and the directory of the next one is made ahead', async () => {
  const payloads = Array.from({ length: 20 }, (_, index) => Buffer.alloc(1_000 - index * 40, index));
  const refs = payloads.map((): AttemptRef => ({ taskId: randomUUID(), number: 1 }));
  await Promise.all(refs.map((ref, index) => spool.accept({ ref, hash: 'abc', payload: payloads[index]! })));
  await vi.waitUntil(() => existsSync(join(dir, 'spare', 'cmd')), { timeout: 10_000 });
  await reopen();
  expect(await Promise.all(refs.map((ref) => spool.payloadOf(ref)))).toEqual(payloads);
});

test('what an agent left in the directory of the next command is not part of a command', async () => {
  await spool.close();
  writeFileSync(join(dir, 'spare', 'cmd'), Buffer.alloc(10_000, 'x'));
  writeFileSync(join(dir, 'spare', 'decision.1'), 'left');
  spool = await Spool.open(dir, { minFreeBytes: 0, reserveBytes: 0 });
  const ref = await accept();
  await reopen();
  expect(spool.quarantined).toEqual([]);
  expect([...(await spool.payloadOf(ref))]).toEqual([0, 255, 10, 7]);
  expect(readdirSync(spool.pathOf(ref))).toEqual(['cmd']);
});

test('a command that finds its place taken is refused, and the next one is kept whole', async () => {
  const taskId = randomUUID();
  mkdirSync(join(dir, `${taskId}.1`));
  writeFileSync(join(dir, `${taskId}.1`, 'taken'), '');
  await expect(spool.accept({ ref: { taskId, number: 1 }, hash: 'abc', payload: Buffer.alloc(9_000) })).rejects.toThrow(
    /ENOTEMPTY/,
  );
  const ref = await accept();
  await reopen();
  expect([...(await spool.payloadOf(ref))]).toEqual([0, 255, 10, 7]);
});

test('a command is kept also when somebody has removed the directory that was made for it', async () => {
  rmSync(join(dir, 'spare'), { recursive: true });
  const ref = await accept();
  await reopen();
  expect([...(await spool.payloadOf(ref))]).toEqual([0, 255, 10, 7]);
});

test.runIf(process.getuid?.() === 0)(
  'the journal of a disk without room opens, and takes commands once there is some',
  async () => {
    await spool.close();
    const disk = join(root.path, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'nr_inodes=20', 'tmpfs', disk]);
    try {
      const options = { minFreeBytes: 0, reserveBytes: 0 };
      spool = await Spool.open(join(disk, 'spool'), options);
      await spool.close();
      rmSync(join(disk, 'spool', 'spare'), { recursive: true });
      const fillers = Array.from({ length: 20 }, (_, index) => join(disk, `${index}`));
      expect(() => fillers.forEach((file) => writeFileSync(file, ''))).toThrow(/ENOSPC/);
      spool = await Spool.open(join(disk, 'spool'), options);
      await expect(accept()).rejects.toThrow(SpoolFullError);
      for (const file of fillers) rmSync(file, { force: true });
      const ref = await accept();
      expect([...(await spool.payloadOf(ref))]).toEqual([0, 255, 10, 7]);
      await spool.close();
    } finally {
      execFileSync('umount', ['--lazy', disk]);
    }
  },
);

test('a runner that decides while it is looked whether one has is seen alive', async () => {
  const ref = await accept();
  const { pid, startTime, bootId } = identityOf(process.pid)!;
  const times = { decidedAt: 1, decidedMono: 1 };
  const decision = { verdict: 'run', by: 'runner', pid, startTime, bootId, cookie: 'c', ...times } as const;
  // Between the look at the process and the look at the files.
  vi.spyOn(spool, 'syncExit').mockImplementationOnce(async () => {
    await linkOnce(join(spool.pathOf(ref), 'decision.1'), encodeDecision(decision));
  });
  expect(await observe(spool, spool.acceptedOf(ref))).toMatchObject({ runnerAlive: true, tryNumber: 1, exit: 'none' });
});

test('an attempt is taken once, whatever has become of it, also by two calls at once', async () => {
  const ref = { taskId: randomUUID(), number: 1 };
  const twice = await Promise.allSettled([accept(1, ref.taskId), accept(1, ref.taskId)]);
  expect(twice.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  await spool.finish(ref, exit);
  await expect(accept(1, ref.taskId)).rejects.toMatchObject({ code: 'ATTEMPT_KNOWN', phase: 'EXITED' });
  await spool.settle(ref);
  await expect(accept(1, ref.taskId)).rejects.toMatchObject({ phase: 'ACKED' });
  await reopen();
  await expect(accept(1, ref.taskId)).rejects.toMatchObject({ phase: 'ACKED' });
  await accept(2, ref.taskId);
});

test('phases are read from the files', async () => {
  const [fenced, ended, settled] = [await accept(), await accept(), await accept()];
  await fence(spool, fenced, 1);
  for (const ref of [ended, settled]) await spool.finish(ref, exit);
  await spool.settle(settled);
  await reopen();
  expect([fenced, ended, settled].map((ref) => spool.phaseOf(ref))).toEqual(['DECIDED', 'EXITED', 'ACKED']);
  expect(spool.unsettled().map(attemptId).toSorted()).toEqual([fenced, ended].map(attemptId).toSorted());
  expect(await spool.settledResults()).toMatchObject([{ accepted: settled, exit }]);
});

test('a result is found by who asks for it in the moment in which it is acknowledged', async () => {
  const ref = await accept();
  await spool.finish(ref, exit);
  const [, found] = await Promise.all([spool.settle(ref), spool.settledResult(ref)]);
  expect(found).toMatchObject({ accepted: ref, exit });
});

test('the first result holds', async () => {
  const ref = await accept();
  await spool.finish(ref, exit);
  expect(await spool.finish(ref, { ...exit, exitCode: 1, reason: 'LOST' })).toEqual(exit);
});

test('an attempt cancelled before it came is refused when it comes', async () => {
  const ref = { taskId: randomUUID(), number: 1 };
  await spool.bury(ref);
  await reopen();
  await expect(accept(1, ref.taskId)).rejects.toMatchObject({ code: 'ATTEMPT_KNOWN', phase: 'ACKED' });
  expect([...spool.tombstones()]).toMatchObject([{ ...ref, hash: '' }]);
});

test('a command that is damaged at any byte is set aside and never taken again', async () => {
  const ref = await accept();
  const file = join(spool.pathOf(ref), 'cmd');
  const whole = readFileSync(file);
  for (let at = 0; at < whole.length; at += 7) {
    const target = await accept();
    const changed = Buffer.from(whole.toString('latin1').replace(ref.taskId, target.taskId), 'latin1');
    changed[at]! ^= 0x04;
    writeFileSync(join(spool.pathOf(target), 'cmd'), changed);
    await reopen();
    expect(spool.phaseOf(target)).toBe('QUARANTINED');
    expect(existsSync(spool.pathOf(target))).toBe(false);
    await expect(accept(1, target.taskId)).rejects.toMatchObject({ phase: 'QUARANTINED' });
  }
  truncateSync(file, 20);
  await reopen();
  expect(spool.quarantined.at(-1)!.reason).toBeTruthy();
  expect(spool.phaseOf(ref)).toBe('QUARANTINED');
  await reopen();
  expect(spool.phaseOf(ref)).toBe('QUARANTINED');
});

test('what a crash left before the command was durable is gone, and the attempt may come again', async () => {
  const ref = await accept();
  const path = spool.pathOf(ref);
  const whole = readFileSync(join(path, 'cmd'));
  writeFileSync(join(path, 'cmd.1-1.tmp'), whole.subarray(0, 30));
  rmSync(join(path, 'cmd'));
  await reopen();
  expect(spool.phaseOf(ref)).toBeUndefined();
  await accept(1, ref.taskId);
  truncateSync(join(path, 'cmd'), 0);
  await reopen();
  expect(spool.phaseOf(ref)).toBeUndefined();
  await accept(1, ref.taskId);
});

test('torn tombstones are passed over, and what is added after them is kept', async () => {
  const refs = [
    { taskId: 'a', number: 1 },
    { taskId: 'b', number: 1 },
  ];
  await spool.bury(refs[0]!);
  appendFileSync(join(dir, 'tombstones'), '0123abcd {"taskId":"x"');
  await reopen();
  await spool.bury(refs[1]!);
  await reopen();
  expect([...spool.tombstones()].map(({ taskId }) => taskId)).toEqual(['a', 'b']);
});

test('settled directories go after a day, their tombstones after a week', async () => {
  const ref = await accept();
  await spool.finish(ref, exit);
  await spool.settle(ref);
  const day = 24 * 3_600_000;
  await spool.sweep(Date.now() + day / 2);
  expect(existsSync(spool.pathOf(ref))).toBe(true);
  await spool.sweep(Date.now() + day * 2);
  expect(existsSync(spool.pathOf(ref))).toBe(false);
  expect(spool.phaseOf(ref)).toBe('ACKED');
  await reopen();
  expect(spool.phaseOf(ref)).toBe('ACKED');
  await spool.sweep(Date.now() + day * 8);
  await reopen();
  expect(spool.phaseOf(ref)).toBeUndefined();
});

test('a full disk refuses the command and leaves nothing of it', async () => {
  await spool.close();
  spool = await Spool.open(dir, { minFreeBytes: 2 ** 60, reserveBytes: 0 });
  const ref = { taskId: randomUUID(), number: 1 };
  await expect(accept(1, ref.taskId)).rejects.toMatchObject({ code: 'SPOOL_FULL' });
  expect(spool.phaseOf(ref)).toBeUndefined();
  expect(readdirSync(dir)).not.toContain(`${ref.taskId}.1`);
});

test('a reserve that was used up is set aside again before another command is taken', async () => {
  await spool.close();
  spool = await Spool.open(dir, { minFreeBytes: 0, reserveBytes: 4096 });
  rmSync(join(dir, 'reserve'));
  await accept();
  expect(statSync(join(dir, 'reserve')).size).toBe(4096);
});

test('a damaged journal id is replaced, which tells the server that the past is not to be believed', async () => {
  const { journalId } = spool;
  truncateSync(join(dir, 'journal'), 10);
  await reopen();
  expect(spool.journalId).not.toBe(journalId);
  const { journalId: second } = spool;
  await reopen();
  expect(spool.journalId).toBe(second);
});

test('ids that would leave the spool are refused', async () => {
  await expect(accept(1, '../evil')).rejects.toMatchObject({ code: 'ATTEMPT_INVALID' });
  await expect(accept(0)).rejects.toMatchObject({ code: 'ATTEMPT_INVALID' });
});
