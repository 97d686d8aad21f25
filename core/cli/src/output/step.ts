import { live } from './live.ts';
import type { Terminal } from './terminal.ts';
import { duration } from './time.ts';

/**
 * Does something that takes a while: says what, and then what came of it and how long it took. `far` is asked for what
 * stands behind the dots meanwhile.
 */
export async function step<T>(
  terminal: Terminal,
  doing: string,
  work: () => Promise<T>,
  done: (result: T) => string,
  far?: (sofar: string) => string,
): Promise<T> {
  const { cyan, green, dim } = terminal.colours;
  const begun = performance.now();
  const sofar = (): string => duration(performance.now() - begun);
  const behind = (): string => (far ? ` ${dim(far(sofar()))}` : '');
  const block = terminal.errIsTerminal
    ? live(terminal, (spinner) => [`${cyan(spinner)} ${doing} …${behind()}`])
    : undefined;
  try {
    const result = await work();
    block?.end({ erase: true });
    terminal.err(`${green('✓')} ${done(result)} ${dim(`(${sofar()})`)}\n`);
    return result;
  } catch (error) {
    block?.end({ erase: true });
    throw error;
  }
}
