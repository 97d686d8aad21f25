import { createHash, randomUUID } from 'node:crypto';
import { attemptGroup, cookiesOfGroups } from '../processes/cgroups.ts';
import { cookiesBeginningWith, endProcesses } from '../processes/kill.ts';
import { attemptCookie } from './job.ts';

/** Names a try for all that it starts. It begins with what names the spool, so that it is found without its journal. */
export function newCookie(spoolDir: string): string {
  return `${prefixOf(spoolDir)}${randomUUID()}`;
}

/**
 * Ends what attempts of a spool left running whose journal is gone: nobody knows of it any more, and the next attempt of
 * the same task must not run beside it.
 *
 * @returns the cookies that were found. @throws ProcessesSurviveError when something hangs in the kernel
 */
export async function endStrays(spoolDir: string): Promise<readonly string[]> {
  const cookies = new Set([
    ...(await cookiesBeginningWith(attemptCookie, prefixOf(spoolDir))),
    ...cookiesOfGroups(spoolDir),
  ]);
  for (const value of cookies) {
    await endProcesses({ cookie: { name: attemptCookie, value }, group: attemptGroup(spoolDir, value), graceMs: 0 });
  }
  return [...cookies];
}

function prefixOf(spoolDir: string): string {
  return `${createHash('sha256').update(spoolDir).digest('hex').slice(0, 16)}-`;
}
