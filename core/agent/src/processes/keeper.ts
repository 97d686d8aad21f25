import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { sealedIn } from '@stackyard/sdk/render';
import { writeDurably } from '../spool/durable.ts';
import { componentGroup } from './cgroups.ts';
import { ComponentBusyError, ComponentUnknownError, KeeperFailedError } from './errors.ts';
import { send } from './kill.ts';
import { retireLog } from './rotate.ts';
import {
  type Backoff,
  checkComponentId,
  checkSpec,
  commandLine,
  defaultBackoff,
  exportsOf,
  fixedEnvironment,
  type ProcessSpec,
} from './spec.ts';
import { keeperOf, readSpec, readState, type StoredSpec } from './state.ts';
import { stopComponent } from './stop.ts';

export interface StartOptions {
  readonly backoff?: Partial<Backoff>;
  /** How long the keeper may take to start the first process; 10 s unless told. */
  readonly startLimitMs?: number;
  /** The environment of the process where `spec.env` has only the seals of secrets in it. It lies in one file, 0600, until the next start. */
  readonly variables?: Readonly<Record<string, string>>;
}

const takenExitCode = 75;
/** How soon a lock that was taken is tried again. */
const takenMs = 50;
/** Where the keeper opens the variables of the process. */
const variablesFd = 6;

/** What the script's own exit codes mean. */
const failures: Readonly<Record<number, string>> = {
  74: 'its directory is gone',
  76: 'it could not leave the cgroup of the task that started it',
};

/**
 * Starts the process of a component under a keeper of its own, which starts it again after a crash, with the agent or
 * without. Resolves when a process was started (not: ready), at once when the same command line runs already.
 * `desired=running` is durable before anything is spawned. Starting what is being stopped finishes the stop first.
 * @throws ComponentBusyError when it runs from another command line
 * @throws KeeperFailedError when nothing was started
 */
export async function startKeeper(
  dir: string,
  hostComponentId: string,
  spec: ProcessSpec,
  { backoff, startLimitMs = 10_000, variables = spec.env }: StartOptions = {},
): Promise<void> {
  checkComponentId(hostComponentId);
  checkSpec(spec);
  const stored: StoredSpec = { hostComponentId, spec, backoff: { ...defaultBackoff, ...backoff } };
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const found = readState(dir);
  if (found.desired === 'stopped' && (found.alive || found.keeperAlive)) await stopComponent(dir, { stopMs: 10_000 });
  const before = readState(dir);
  const sameSpec = isDeepStrictEqual(readSpec(dir), stored);
  if ((before.alive || before.keeperAlive) && !sameSpec)
    throw new ComponentBusyError(hostComponentId, before.process?.pid);
  if (before.alive && before.keeperAlive) return;
  if (!before.alive && !before.keeperAlive) {
    await renameAway(`${dir}/exits`, `${dir}/exits.previous`);
    await rm(`${dir}/pid`, { force: true });
    await retireLog(spec.logFile);
  }

  await writeDurably(`${dir}/spec.json`, JSON.stringify(stored));
  await writeDurably(`${dir}/desired`, 'running\n');
  await rm(`${dir}/stop`, { force: true });
  await writeDurably(`${dir}/environment`, exportsOf(variables));
  await launch(dir, stored, startLimitMs);
}

/**
 * Gives a component that shall run a keeper again when it has none: after a reboot, or when the keeper was killed. A process
 * that still runs is adopted. Tells whether a keeper was started.
 */
export async function ensureKeeper(dir: string, { startLimitMs = 10_000 }: StartOptions = {}): Promise<boolean> {
  const state = readState(dir);
  if (state.desired === 'stopped' || state.keeperAlive) return false;
  const stored = readSpec(dir);
  if (!stored) throw new ComponentUnknownError(dir);
  await rm(`${dir}/stop`, { force: true });
  // Only a task knows secrets: then the file that it wrote holds.
  if (!hasSecrets(stored.spec)) await writeDurably(`${dir}/environment`, exportsOf(stored.spec.env));
  else if (!existsSync(`${dir}/environment`)) throw new KeeperFailedError(stored.hostComponentId, VARIABLES_GONE);
  await launch(dir, stored, startLimitMs);
  return true;
}

const VARIABLES_GONE = 'the secrets of its environment are not on this host; start it by a task';

function hasSecrets({ env }: ProcessSpec): boolean {
  return Object.values(env).some((value) => sealedIn(value).length > 0);
}

async function launch(dir: string, { hostComponentId, spec, backoff }: StoredSpec, limitMs: number): Promise<void> {
  await prepareLog(spec.logFile);
  const before = readState(dir);
  const keeper = keeperOf(dir);
  if (before.keeperAlive && keeper) send(keeper.pid, 'SIGUSR1'); // it waits after a crash; a second one ends at once
  const started = (): ChildProcess => spawnKeeper(dir, { hostComponentId, spec, backoff });
  await untilStarted({ dir, id: hostComponentId, started, previousStart: before.process?.startTime, limitMs });
}

function spawnKeeper(dir: string, { hostComponentId, spec, backoff }: StoredSpec): ChildProcess {
  const times = [backoff.minMs, backoff.maxMs, backoff.healthyMs].map((ms) => String(Math.round(ms)));
  const cgroups = componentGroup(dir).join(' ');
  const child = spawn(
    '/bin/sh',
    [
      keeperScript(),
      dir,
      hostComponentId,
      spec.cwd,
      spec.logFile,
      ...times,
      cgroups,
      ...commandLine(spec, variablesFd),
    ],
    {
      detached: true,
      stdio: 'ignore',
      cwd: dir,
      env: { ...fixedEnvironment, STACKYARD_COMPONENT: hostComponentId },
    },
  );
  child.unref();
  return child;
}

/** Starts a keeper, and waits for a new process, an adopted one, or the exit of one that was too quick to be seen. */
async function untilStarted(from: {
  readonly dir: string;
  readonly id: string;
  readonly started: () => ChildProcess;
  readonly previousStart: number | undefined;
  readonly limitMs: number;
}): Promise<void> {
  const { dir, id, started, previousStart, limitMs } = from;
  let failure: string | undefined;
  let isTaken = false;
  const start = (): void => {
    const child = started();
    child.on('error', (error) => (failure = error.message));
    child.on('exit', (code, signal) => {
      isTaken = code === takenExitCode;
      if (!isTaken)
        failure = signal ? `it was killed by ${signal}` : (failures[code ?? 0] ?? `it ended with code ${code}`);
    });
  };
  start();
  const deadline = performance.now() + limitMs;
  for (;;) {
    const state = readState(dir);
    const isNew = state.process?.startTime !== previousStart;
    if (state.keeperAlive && (state.alive || (isNew && state.lastExit?.pid === state.process?.pid))) return;
    if (failure !== undefined) throw new KeeperFailedError(id, failure);
    if (performance.now() > deadline) throw new KeeperFailedError(id, `nothing was started within ${limitMs} ms`);
    // Another keeper was quicker, and its process is as good as ours; or what a killed one left behind held its lock.
    if (isTaken && !state.keeperAlive) {
      isTaken = false;
      await delay(takenMs);
      start();
    }
    await delay(5);
  }
}

/** Output is appended only: what rotates the file relies on it. */
async function prepareLog(logFile: string): Promise<void> {
  await mkdir(dirname(logFile), { recursive: true });
  if (await isOwnFile(logFile)) return;
  // The service's user may have put a link here, along which the keeper would write as root.
  await rm(logFile, { force: true });
  await (await open(logFile, 'ax', 0o640)).close();
}

async function isOwnFile(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found !== undefined && found.isFile() && found.uid === process.getuid?.();
}

async function renameAway(from: string, to: string): Promise<void> {
  if (existsSync(from)) await rename(from, to);
}

/** The script lies beside this module, beside the bundle that contains it, or in `src` when this runs from `dist`. */
function keeperScript(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const places = [join(here, 'keeper.sh'), join(here, '../../src/processes/keeper.sh')];
  return places.find((place) => existsSync(place)) ?? places[0]!;
}
