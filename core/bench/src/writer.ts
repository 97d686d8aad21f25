import { startTestPostgres, Transitions } from '@stackyard/server/testing';
import { rawCommits } from './anchors/commits.ts';
import { figureOf, type Report } from './figures.ts';

const ROUNDS = 5;
const TASKS = 2_500;
const FLUSHED = 1_000;
const PER_COMMIT = 500;

/**
 * Transitions per second that the writer makes durable, 500 a commit, beside rows that the database alone does and beside
 * the ORM. A transition is an attempt, its task and an event; a row of the database alone is one row and an entry of a log.
 */
export async function benchWriter({ report }: { report: Report }): Promise<void> {
  const postgres = await startTestPostgres('embedded', { durable: true });
  try {
    const transitions = await Transitions.open(await postgres.createDatabase());
    const flushes = await Transitions.open(await postgres.createDatabase());
    const anchor = await postgres.createDatabase();
    const [raw, written, flushed]: [number[], number[], number[]] = [[], [], []];
    try {
      await transitions.write(FLUSHED, PER_COMMIT);
      for (let round = 0; round < ROUNDS; round++) {
        raw.push(...(await rawCommits(anchor, { rounds: 1, commits: 20 })));
        written.push(perSecond(2 * TASKS, await transitions.write(TASKS, PER_COMMIT)));
        flushed.push(perSecond(2 * FLUSHED, await flushes.flush(FLUSHED, PER_COMMIT)));
      }
    } finally {
      await Promise.all([transitions.close(), flushes.close()]);
    }
    const ratios = (by: readonly number[]): number[] => written.map((rate, round) => rate / by[round]!);
    report(figureOf({ name: 'rows changed and logged by the database alone', unit: '/s' }, raw));
    report(figureOf({ name: 'transitions by the writer', unit: '/s' }, written));
    report(figureOf({ name: '  by rows of the database alone', unit: 'ratio', aim: '>= 0.5' }, ratios(raw)));
    report(figureOf({ name: 'transitions by the ORM, found and flushed', unit: '/s' }, flushed));
    report(figureOf({ name: '  the writer by the ORM', unit: 'ratio', aim: '>= 3' }, ratios(flushed)));
  } finally {
    await postgres.stop();
  }
}

function perSecond(count: number, ms: number): number {
  return count / (ms / 1000);
}
