import { readFile } from 'node:fs/promises';

/** All in bytes. */
export interface MemoryFact {
  readonly total: number;
  readonly available: number;
  readonly swap: number;
}

export async function memory(): Promise<MemoryFact> {
  return parseMeminfo(await readFile('/proc/meminfo', 'utf8'));
}

export function parseMeminfo(text: string): MemoryFact {
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return { total: bytes('MemTotal'), available: bytes('MemAvailable'), swap: bytes('SwapTotal') };
}
