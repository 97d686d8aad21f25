/**
 * A small agent for the chaos test: takes a host root, recovers its journal, then keeps a few attempts going until it is killed,
 * or with "drain" until all are settled. Each result is noted in `results` before it is settled, as a server would.
 */
import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lockHostRoot } from '../processes/lock.ts';
import { Attempts } from './attempts.ts';
import { type AttemptRef, attemptId, type ExitRecord } from './entry.ts';
import { RunnerPool } from './runnerPool.ts';
import { Spool } from './spool.ts';

const [root, mode, mark] = process.argv.slice(2) as [string, 'run' | 'drain', string];
const lanes = 3;
const module = join(dirname(fileURLToPath(import.meta.url)), 'testJob.ts');
const spoolDir = join(root, 'spool');

await lockHostRoot(root);
const spool = await Spool.open(spoolDir, { minFreeBytes: 0, reserveBytes: 0 });
const pool = new RunnerPool({ spoolDir, refillMs: 5, env: { CHAOS_MARK: mark } });
const waiting = new Map<string, (exit: ExitRecord) => void>();
const attempts = new Attempts({
  spool,
  pool,
  listener: {
    started: () => undefined,
    exited: (ref, exit) => waiting.get(attemptId(ref))?.(exit),
    failed: (_ref, error) => die(error),
  },
});

const job = () => ({ module, input: { tally: join(root, 'tally'), sleepMs: Math.random() * 60, output: 'done' } });

async function startAndSettle(ref: AttemptRef): Promise<void> {
  const exited = untilExited(ref);
  await attempts.start(ref, job());
  await note(ref, await exited);
}

function untilExited(ref: AttemptRef): Promise<ExitRecord> {
  return new Promise((resolve) => waiting.set(attemptId(ref), resolve));
}

async function note(ref: AttemptRef, exit: ExitRecord): Promise<void> {
  appendFileSync(join(root, 'results'), `${attemptId(ref)} ${exit.reason ?? 'OK'}\n`);
  await spool.settle(ref);
}

async function lane(): Promise<never> {
  for (;;) {
    const ref = { taskId: randomUUID(), number: 1 };
    await spool.accept({ ref, hash: 'h', payload: Buffer.from('command') });
    await startAndSettle(ref);
  }
}

function die(error: unknown): never {
  console.error(error);
  process.exit(1);
}

try {
  pool.warmUp();
  const recovered = await attempts.recover();
  console.log('recovered');
  const work = recovered.map(async ({ ref, standing, exit }) => {
    if (standing === 'WAITING') return startAndSettle(ref);
    return note(ref, exit ?? (await untilExited(ref)));
  });
  attempts.resume();
  await Promise.all([...work, ...Array.from({ length: mode === 'run' ? lanes : 0 }, lane)]);
  attempts.close();
  pool.close();
  await spool.close();
} catch (error) {
  die(error);
}
