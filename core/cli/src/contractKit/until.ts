import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../errors.ts';

const EVERY_MS = 200;

/** Looks again and again until it does not throw. @throws CliError with the last reason when the time is up */
export async function until<T>(limitMs: number, look: () => Promise<T>): Promise<T> {
  for (const end = performance.now() + limitMs; ; await delay(EVERY_MS)) {
    try {
      return await look();
    } catch (error) {
      if (performance.now() < end) continue;
      throw new CliError(`After ${limitMs / 1000} s: ${(error as Error).message}`, 1, { cause: error });
    }
  }
}
