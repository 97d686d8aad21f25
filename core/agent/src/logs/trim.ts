import { spawn } from 'node:child_process';
import { keptLimits } from './kept.ts';

const { headBytes, tailBytes } = keptLimits;
const BLOCK = 4_096;
/** Kept beyond the end's share: an attempt may be ending, and then the share counts from a place a little before. */
const SLACK_BYTES = 8 * 1024 * 1024;
/** How much there must be to give back before it is worth a process. */
const STEP_BYTES = 32 * 1024 * 1024;

/** Up to where the middle of a log of this size can go; undefined while it is not worth it. */
export function trimmable(written: number, trimmedTo: number): number | undefined {
  const end = Math.floor((written - tailBytes - SLACK_BYTES) / BLOCK) * BLOCK;
  return end - Math.max(trimmedTo, headBytes) >= STEP_BYTES ? end : undefined;
}

/**
 * Gives the blocks between the beginning that is kept and `end` back to the file system. Size and offsets stay what they
 * are, also for whoever is appending. False where the tool is missing or the file system knows no holes.
 */
export function trim(file: string, end: number): Promise<boolean> {
  const range = ['--offset', String(headBytes), '--length', String(end - headBytes)];
  return new Promise((resolve) => {
    const child = spawn('fallocate', ['--punch-hole', ...range, file], { stdio: 'ignore' });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}
