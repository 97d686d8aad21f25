import { scenarioOf } from './scenario/generate.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulate.ts';
import { hashText, mix } from './time/random.ts';

type Say = (text: string) => void;

/** Runs seeds one after the other up to the first that breaks an invariant; answers the exit code. */
export function runSeeds({
  count,
  from,
  hashes,
  say,
}: {
  readonly count: number;
  readonly from: number;
  readonly hashes: boolean;
  readonly say: Say;
}): number {
  const startedMs = performance.now();
  let all = 0;
  let steps = 0;
  let simulatedMs = 0;
  const seconds = (): number => (performance.now() - startedMs) / 1000;
  for (let done = 1; done <= count; done += 1) {
    const seed = from + done - 1;
    const outcome = simulate(scenarioOf(seed));
    all = mix(all, hashText(outcome.hash));
    steps += outcome.steps;
    simulatedMs += outcome.tookMs;
    if (hashes) say(`${seed} ${outcome.hash}\n`);
    if (outcome.violation) return runSeed(seed, { trace: false, say });
    if (done % 250 === 0 && !hashes) say(`${done} seeds, ${(done / seconds()).toFixed(0)} seeds/s\n`);
  }
  const hours = (simulatedMs / 3_600_000).toFixed(0);
  say(
    `${count} seeds from ${from} on kept every invariant: ${hours} simulated hours, ${steps} events, ` +
      `${(count / seconds()).toFixed(0)} seeds/s; hash of all ${all.toString(16).padStart(8, '0')}\n`,
  );
  return 0;
}

/** One seed; when it breaks an invariant, the least that breaks it too and how to see it again. */
export function runSeed(seed: number, { trace, say }: { readonly trace: boolean; readonly say: Say }): number {
  const scenario = scenarioOf(seed);
  const outcome = simulate(scenario, { readable: trace });
  if (trace) say(`${outcome.lines.join('\n')}\n`);
  if (!outcome.violation) {
    say(`seed ${seed} kept every invariant: ${outcome.steps} events, hash ${outcome.hash}\n`);
    return 0;
  }
  const { invariant, sentence, detail } = outcome.violation;
  say(`seed ${seed} breaks ${invariant}: ${sentence}\n  ${detail}\n  hash ${outcome.hash}\n`);
  const { scenario: least, runs } = shrink(scenario);
  const { faults, requests, jobs, hosts } = least;
  const { lines, violation } = simulate(least, { readable: true });
  const tasks = jobs.reduce(
    (sum, { layers }) => sum + layers.reduce((count, layer) => count + layer.tasks.length, 0),
    0,
  );
  say(
    `\nThe least that breaks it too (after ${runs} runs): ${hosts} hosts, ${tasks} tasks, ${requests.length} ` +
      `requests, ${faults.length} faults\n${lines.join('\n')}\n  ${violation?.detail}\n` +
      `\nSee it again: npm run simulate -- --seed ${seed}\nAll of it:    npm run simulate -- --seed ${seed} --trace\n`,
  );
  return 1;
}
