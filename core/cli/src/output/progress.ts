import { step } from './step.ts';
import type { Terminal } from './terminal.ts';
import { bytes } from './time.ts';

/** Does something that moves bytes: says how far it is, and then what came of it and how long it took. */
export async function progress<T>(
  terminal: Terminal,
  doing: string,
  work: (onBytes: (done: number, total: number) => void) => Promise<T>,
  done: (result: T) => string,
): Promise<T> {
  let far = '';
  const moving = (): Promise<T> =>
    work((moved, total) => {
      const percent = total > 0 ? `, ${Math.floor((100 * moved) / total)} %` : '';
      far = `${bytes(moved)} of ${bytes(total)}${percent}`;
    });
  return step(terminal, doing, moving, done, (sofar) => far || sofar);
}
