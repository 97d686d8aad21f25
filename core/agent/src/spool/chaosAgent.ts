/**
 * A small agent for the chaos test: takes a host root, recovers its journal, then keeps a few attempts going until it is killed,
 * or with "drain" until all are settled. Each result is noted in `results` before it is settled, as a server would.
 */
import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lockHostRoot } from '../processes/lock.ts';
import type { Happening } from '../session/driver.ts';
import type { AttemptRef, AttemptResult } from '../session/messages.ts';
import { Attempts } from './attempts.ts';
import { attemptId } from './entry.ts';
import { RunnerPool } from './runnerPool.ts';
import { Spool } from './spool.ts';

const [root, mode, mark] = process.argv.slice(2) as [string, 'run' | 'drain', string];
const lanes = 3;
const module = join(dirname(fileURLToPath(import.meta.url)), 'testJob.ts');
const spoolDir = join(root, 'spool');

await lockHostRoot(root);
const spool = await Spool.open(spoolDir, { minFreeBytes: 0, reserveBytes: 0 });
const pool = new RunnerPool({ spoolDir, refillMs: 5, env: { CHAOS_MARK: mark } });
const waiting = new Map<string, (happening: Happening) => void>();
const attempts = new Attempts({
  spool,
  pool,
  prepare: async () => ({
    module,
    input: { tally: join(root, 'tally'), sleepMs: Math.random() * 60, output: 'done' },
  }),
  alert: (message, ref, error) => die(error ?? `${message} (${attemptId(ref)})`),
});

/** The next word about an attempt that is of this kind. */
function heard<K extends Happening['kind']>(ref: AttemptRef, kind: K): Promise<Extract<Happening, { kind: K }>> {
  return new Promise((resolve) => {
    waiting.set(`${attemptId(ref)} ${kind}`, (happening) => resolve(happening as Extract<Happening, { kind: K }>));
  });
}

async function startAndSettle(attempt: AttemptRef): Promise<void> {
  const exited = heard(attempt, 'exited');
  attempts.ask({ kind: 'start', attempt, until: Infinity });
  await note(attempt, (await exited).result);
}

async function note(attempt: AttemptRef, { reason }: AttemptResult): Promise<void> {
  appendFileSync(join(root, 'results'), `${attemptId(attempt)} ${reason ?? 'OK'}\n`);
  attempts.ask({ kind: 'settle', attempt });
}

async function lane(): Promise<never> {
  for (;;) {
    const attempt = { taskId: randomUUID(), number: 1 };
    const terms = { ...attempt, timeoutMs: 0, killGraceMs: 0, startWithinMs: 0 };
    const journaled = heard(attempt, 'journaled');
    const order = { attempt, hash: 'h', envelope: Buffer.from('command'), terms };
    attempts.ask({ kind: 'journal', order, startUntil: Infinity });
    await journaled;
    await startAndSettle(attempt);
  }
}

function die(error: unknown): never {
  console.error(error);
  process.exit(1);
}

try {
  pool.warmUp(2);
  const recovered = await attempts.recover();
  console.log('recovered');
  const work = recovered.map(async ({ attempt, standing, result }) => {
    if (standing === 'WAITING') return startAndSettle(attempt);
    return note(attempt, result ?? (await heard(attempt, 'exited')).result);
  });
  attempts.attach((happening) => {
    if ('attempt' in happening) waiting.get(`${attemptId(happening.attempt)} ${happening.kind}`)?.(happening);
  });
  await Promise.all([...work, ...Array.from({ length: mode === 'run' ? lanes : 0 }, lane)]);
  attempts.close();
  await pool.close();
  await spool.close();
} catch (error) {
  die(error);
}
