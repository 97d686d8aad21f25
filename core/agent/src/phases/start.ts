import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessManifest } from '@stackyard/sdk/manifest';
import { logDir, resolveProbe } from '@stackyard/sdk/render';
import { PhaseError } from '../errors.ts';
import { ExecProbes } from '../probes/exec.ts';
import { ask, connects } from '../probes/probe.ts';
import { startKeeper } from '../processes/keeper.ts';
import { readState } from '../processes/state.ts';
import { stopComponent } from '../processes/stop.ts';
import { renewOutput } from '../supervisor/output.ts';
import type { PhaseContext } from './context.ts';
import { makeLogDirectory, ownerOf } from './files.ts';
import { lastOutput, outputLog, processSpec, processVariables } from './process.ts';

const POLL_MS = { first: 50, most: 500 };
/** A program that tells whether the process is ready is run so often at most. */
const EXEC_MS = 1_000;

/** Starts the declared process under its keeper and waits until it is ready. */
export async function start(context: PhaseContext): Promise<void> {
  const { process } = context.component;
  if (!process) return context.log('There is no process to start.');
  const { dir, inputs } = context;
  const before = readState(dir);
  if (!before.alive) await checkFree(context, process);
  if (before.alive) context.log(`The process runs already (process ${before.process?.pid}).`);
  // A start task wipes the slate of earlier crashes, unless the process simply goes on.
  const restarts = before.alive ? before.restarts : 0;
  await makeLogDirectory(logDir(inputs.self), await ownerOf(context));
  if (!before.alive && !before.keeperAlive) await renewOutput(outputLog(context));
  await startKeeper(dir, inputs.self.hostComponentId, processSpec(context, process), {
    variables: processVariables(context, process),
  });
  if (!before.alive) context.log(`Started ${context.component.title}; its output is in ${outputLog(context)}.`);
  await untilReady(context, process, restarts);
}

/** Whoever answers already is not the process that is about to be started, and would pass for it. */
async function checkFree(context: PhaseContext, process: ProcessManifest): Promise<void> {
  const { inputs, service } = context;
  const ready = resolveProbe(process.ready, { inputs, service, place: 'process.ready' });
  if (!('port' in ready)) return;
  const { address, port } = ready;
  const { host } = inputs.self;
  const taken = await connects({ address, port, timeoutMs: 1_000 }).then(
    () => true,
    () => false,
  );
  if (!taken) return;
  throw new PhaseError(
    `Another process listens on ${address}:${port} of host ${host} already, which ${context.component.title} needs. ` +
      `Stop it or choose another port, then retry the task.`,
  );
}

async function untilReady(context: PhaseContext, process: ProcessManifest, restarts: number): Promise<void> {
  const { dir } = context;
  const startedAt = performance.now();
  const programs = new ExecProbes(EXEC_MS);
  for (let waitMs = POLL_MS.first; ; waitMs = Math.min(waitMs * 1.5, POLL_MS.most)) {
    context.signal.throwIfAborted();
    const state = readState(dir);
    if (state.restarts > restarts) {
      const code = state.lastExit?.code;
      const tail = await lastOutput(context);
      // Left alone it would crash for ever; a retry starts from nothing.
      await stopComponent(dir, { stopMs: 1_000 });
      throw new PhaseError(
        `${context.component.title} ended${code === undefined ? '' : ` with exit code ${code}`} before it was ready. ` +
          `Its output is in ${outputLog(context)}.${tail ? ` It ends with:\n${tail}` : ' It printed nothing.'}`,
      );
    }
    const answer = await ask(context, process.ready, { processAlive: () => readState(dir).alive, programs });
    const elapsed = performance.now() - startedAt;
    if (answer.ok && readState(dir).alive) {
      return context.log(`It is ready after ${(elapsed / 1000).toFixed(1)} s. ${answer.message}`);
    }
    if (elapsed > process.readyMs) {
      const tail = await lastOutput(context);
      throw new PhaseError(
        `${context.component.title} runs, but was not ready within ${process.readyMs / 1000} s: ${answer.message} ` +
          `Its output is in ${outputLog(context)}.${tail ? ` It ends with:\n${tail}` : ''}`,
      );
    }
    await delay(waitMs, undefined, { signal: context.signal });
  }
}
