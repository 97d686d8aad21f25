import { type Desired, desiredAfter } from '@stackyard/domain';
import type { JobRow, TaskRow } from '../../database/entities.ts';
import type { AttemptResult } from '../sessions/messages.ts';
import type { BuiltEnvelope } from './state.ts';
import { isUncertain } from '../scheduler/step.ts';
import type { AttemptWrite, Change, ComponentPatch, NewEvent } from '../writer/changes.ts';

/** Phases that are done once: a name to remember with the host component. */
const onceAfter: Partial<Record<TaskRow['phase'], string>> = { init: 'init', prepare: 'prepare' };

/** What a SUCCESSFUL attempt makes of its host component. `values` are what `configure` was told to write. */
export function componentChange({
  job,
  task,
  result,
  values,
}: {
  readonly job: JobRow;
  readonly task: TaskRow;
  readonly result: AttemptResult;
  readonly values: BuiltEnvelope['values'];
}): Change {
  const id = task.hostComponentId;
  if (task.phase === 'remove') {
    const service = leavingService(job, task);
    return { removed: [{ id, ...(service === undefined ? {} : { service }) }] };
  }
  const moved = job.snapshot.drains?.[id];
  if (moved && (task.phase === 'decommission' || task.phase === 'recommission')) {
    const leaving = task.phase === 'decommission' ? 'DRAINED' : null;
    return { components: moved.map((each) => ({ id: each, way: { leaving } })) };
  }
  const desired = desiredOf(job, task);
  const stackDigest = runsFrom(job, task);
  const once = onceAfter[task.phase];
  const configured =
    task.phase === 'configure' && values
      ? { applied: result.applied, appliedValues: values, configVersion: configVersionOf(job, task) }
      : undefined;
  if ([desired, once, configured, stackDigest].every((part) => part === undefined)) return {};
  const patch: ComponentPatch = {
    id,
    ...(desired === undefined ? {} : { desired }),
    ...(once === undefined ? {} : { once: [once] }),
    ...(configured === undefined ? {} : { configured }),
    ...(stackDigest === undefined ? {} : { stackDigest }),
  };
  return { components: [patch] };
}

/** Of a file that may be as it was or as it was to become: no rendered file has this digest, so it is written again. */
const UNKNOWN = '';

/**
 * What a `configure` makes of its host component that ran, or may have, and did not succeed: it may have written any of its
 * files. One that had no files before stays without.
 */
export function unsureChange(
  { snapshot }: JobRow,
  { phase, hostComponentId: id }: TaskRow,
  { startedAt, reason }: Pick<AttemptWrite, 'startedAt' | 'reason'>,
): Change {
  if (phase !== 'configure' || (startedAt === null && !isUncertain(reason))) return {};
  const before = snapshot.services.flatMap(({ hostComponents }) => hostComponents).find((each) => each.id === id);
  if (!before?.applied) return {};
  const paths = Object.keys({ ...before.applied, ...snapshot.files[id] });
  return { components: [{ id, configured: { applied: Object.fromEntries(paths.map((path) => [path, UNKNOWN])) } }] };
}

/** Whoever upgrades what runs wants it to run, also while it is stopped for that. */
function desiredOf({ command }: JobRow, { phase }: TaskRow): Desired | undefined {
  return command === 'upgrade' && phase !== 'start' ? undefined : desiredAfter[phase];
}

/** From which artifact a host component runs once this has succeeded: its configs are the step from one version to another. */
function runsFrom({ command, snapshot }: JobRow, { phase, service }: TaskRow): string | undefined {
  if (phase !== 'configure' && !(phase === 'install' && command !== 'upgrade')) return undefined;
  const found: { readonly stack?: { readonly digest: string } } | undefined = snapshot.services.find(
    ({ name }) => name === service,
  );
  // A snapshot of an older server may not say it, and what happens on hosts is written down all the same.
  return found?.stack?.digest;
}

/** Said when a job ends that was to remove whole services; their rows left with their last host component. */
export function servicesRemoved({ snapshot, clusterId }: JobRow): NewEvent[] {
  const left = snapshot.leaving.filter(({ id }) => !snapshot.services.some((service) => service.id === id));
  return left.map(({ id, name }) => ({
    topic: 'service',
    clusterId,
    payload: { kind: 'service', serviceId: id, name, change: 'removed' },
  }));
}

function configVersionOf({ snapshot }: JobRow, { service }: TaskRow): number | null {
  return snapshot.services.find(({ name }) => name === service)?.configVersion ?? null;
}

/** The service's id when the job was asked to remove all of it: then its row leaves with its last host component. */
function leavingService({ snapshot }: JobRow, { hostComponentId }: TaskRow): string | undefined {
  const service = snapshot.leaving.find(({ hostComponents }) =>
    hostComponents.some(({ id }) => id === hostComponentId),
  );
  return service && !snapshot.services.some(({ id }) => id === service.id) ? service.id : undefined;
}
