/** `npm run faults -- [--kills 500] [--seed S]`: kills server, agents and runners while they work, and judges what came of it. */
import { parseArgs } from 'node:util';
import { runFaults } from './run.ts';

const HELP = `npm run faults -- [--kills N] [--seed S] [--tasks N]

  --kills   how many processes are killed; 500 unless given
  --seed    which kills; a run prints its own, and the same seed makes the same plan
  --tasks   how many tasks there are at least; twice the kills unless given
`;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '500' },
    seed: { type: 'string' },
    tasks: { type: 'string' },
    help: { type: 'boolean' },
  },
});
const kills = Number(values.kills);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const tasks = values.tasks === undefined ? 2 * kills : Number(values.tasks);
if (values.help || ![kills, seed, tasks].every((number) => Number.isInteger(number) && number >= 0)) {
  process.stdout.write(HELP);
  process.exit(values.help ? 0 : 2);
}

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(name, () => interrupted.abort(new Error('It was interrupted.')));
}

console.log(`${kills} kills, seed ${seed}`);
const startedMs = performance.now();
let saidMs = 0;
const outcome = await runFaults({
  kills,
  seed,
  tasks,
  signal: interrupted.signal,
  progress(done, ran) {
    if (performance.now() - saidMs < 5_000) return;
    saidMs = performance.now();
    const seconds = Math.round((saidMs - startedMs) / 1000);
    process.stdout.write(`${String(seconds).padStart(5)} s  ${done} of ${kills} killed, ${ran} tasks have ended\n`);
  },
}).catch((error: unknown) => {
  // By now nothing of it is left.
  console.error(interrupted.signal.aborted ? 'It was interrupted.' : error);
  process.exit(interrupted.signal.aborted ? 130 : 1);
});
console.log(
  `\nkilled    ${Object.entries(outcome.killed)
    .map(([target, count]) => `${count} × ${target}`)
    .join(', ')}`,
);
console.log(`tasks     ${outcome.tasks}`);
for (const [how, count] of Object.entries(outcome.attempts))
  console.log(`attempts  ${String(count).padStart(6)} ${how}`);
console.log();
for (const { rule, breaches } of outcome.rules) {
  console.log(`${breaches.length === 0 ? 'holds ' : 'BROKEN'}  ${rule}`);
  for (const breach of breaches) console.log(`          ${breach}`);
}
process.exitCode = outcome.rules.every(({ breaches }) => breaches.length === 0) ? 0 : 1;
