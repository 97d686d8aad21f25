import { parseArgs } from 'node:util';
import { reportMutants } from './mutants/report.ts';
import { runSeed, runSeeds } from './report.ts';

const usage = `npm run simulate -- --seeds N [--from S] [--hashes]   N seeds, from S on (1 unless given)
npm run simulate -- --seed X [--trace]                one seed, with all that happens in it
npm run simulate -- --mutants                         which invariant kills which mutant of the protocol`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    hashes: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const say = (text: string): void => void process.stdout.write(text);

if (values.help) say(`${usage}\n`);
else if (values.mutants) process.exitCode = await reportMutants(say);
else if (values.seed !== undefined) process.exitCode = runSeed(Number(values.seed), { trace: values.trace, say });
else if (values.seeds !== undefined) {
  const { hashes, from } = values;
  process.exitCode = runSeeds({ count: Number(values.seeds), from: Number(from), hashes, say });
} else {
  say(`${usage}\n`);
  process.exitCode = 2;
}
