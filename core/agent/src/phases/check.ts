import { PhaseError } from '../errors.ts';
import { ask } from '../probes/probe.ts';
import { readState } from '../processes/state.ts';
import type { PhaseContext } from './context.ts';

/** The process runs, is ready now, and every declared health probe passes. */
export async function check(context: PhaseContext): Promise<void> {
  const { process, health } = context.component;
  if (!process) return;
  const processAlive = (): boolean => readState(context.dir).alive;
  const probes = Object.entries({ ready: process.ready, ...health });
  const answers = await Promise.all(
    probes.map(async ([name, probe]) => ({ name, answer: await ask(context, probe, { processAlive }) })),
  );
  for (const { name, answer } of answers) context.log(`${answer.ok ? 'ok' : 'FAILED'}: ${name}. ${answer.message}`);
  const failed = answers.filter(({ answer }) => !answer.ok);
  if (!processAlive())
    throw new PhaseError(`${context.component.title} does not run on host ${context.inputs.self.host}. Start it.`);
  if (failed.length === 0) return;
  const sentences = failed.map(({ name, answer }) => `${name}: ${answer.message}`).join(' ');
  throw new PhaseError(`${context.component.title} on host ${context.inputs.self.host} is not healthy. ${sentences}`);
}
