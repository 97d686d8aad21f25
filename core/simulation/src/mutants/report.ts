import { mutants } from './list/index.ts';
import { runMutants } from './run.ts';

const LIMIT_MS = 900_000;

/** Says which invariant kills which mutant; answers the exit code. */
export async function reportMutants(say: (text: string) => void): Promise<number> {
  const startedMs = performance.now();
  const width = Math.max(...mutants.map(({ name }) => name.length));
  let survivors = 0;
  const fates = runMutants(
    mutants.map(({ name }) => name),
    LIMIT_MS,
  );
  for await (const { name, killed } of fates) {
    const { breaks } = mutants.find((mutant) => mutant.name === name)!;
    if (!killed) survivors += 1;
    const fate = killed ? `${killed.invariant.padEnd(3)} seed ${String(killed.seed).padEnd(4)}` : 'SURVIVED     ';
    say(`${name.padEnd(width)}  ${fate}  ${breaks}\n`);
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  say(`${mutants.length - survivors} of ${mutants.length} mutants killed in ${seconds} s\n`);
  return survivors === 0 ? 0 : 1;
}
