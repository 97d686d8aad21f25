import { live } from './live.ts';
import type { Terminal } from './terminal.ts';
import { bytes, duration } from './time.ts';

/** Does something that moves bytes: says how far it is, and then what came of it and how long it took. */
export async function progress<T>(
  terminal: Terminal,
  doing: string,
  work: (onBytes: (done: number, total: number) => void) => Promise<T>,
  done: (result: T) => string,
): Promise<T> {
  const { cyan, green, dim } = terminal.colours;
  const begun = performance.now();
  let far = '';
  const block = terminal.errIsTerminal
    ? live(terminal, (spinner) => [`${cyan(spinner)} ${doing} … ${dim(far || duration(performance.now() - begun))}`])
    : undefined;
  try {
    const result = await work((moved, total) => {
      const percent = total > 0 ? `, ${Math.floor((100 * moved) / total)} %` : '';
      far = `${bytes(moved)} of ${bytes(total)}${percent}`;
    });
    block?.end({ erase: true });
    terminal.err(`${green('✓')} ${done(result)} ${dim(`(${duration(performance.now() - begun)})`)}\n`);
    return result;
  } catch (error) {
    block?.end({ erase: true });
    throw error;
  }
}
