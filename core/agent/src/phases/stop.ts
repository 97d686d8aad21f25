import { existsSync } from 'node:fs';
import { isCleanExit, stopComponent } from '../processes/stop.ts';
import type { PhaseContext } from './context.ts';

/** Stops the declared process; nothing of it is left afterwards. */
export async function stop(context: PhaseContext): Promise<void> {
  const { process, title } = context.component;
  if (!process || !existsSync(context.dir)) return context.log('There is no process to stop.');
  const { exit, forced } = await stopComponent(context.dir, { stopMs: process.stopMs });
  if (forced)
    return context.log(`${title} did not end within ${process.stopMs / 1000} s after SIGTERM and was killed.`);
  if (!exit) return context.log(`${title} is stopped; it was not running.`);
  const how = isCleanExit(exit.code) ? '' : ` It ended with exit code ${exit.code}.`;
  context.log(`Stopped ${title}.${how}`);
}
