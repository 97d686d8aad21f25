import type { ClusterState, HostComponentState, ServiceState } from '@stackyard/planner';
import { actionInput, asRunBy, drainOf, inputsOf } from '@stackyard/planner';
import type { Logger } from '@stackyard/kernel';
import { type Envelope, toValueMap, type WatchedComponent } from '@stackyard/proto';
import type { Inputs, Instance, PackageManifest, ServiceManifest } from '@stackyard/sdk/manifest';
import { packageDir } from '@stackyard/sdk/render';
import { type EnvelopeSource, type Events } from '../engine/ports.ts';
import type { JobRow, TaskRow } from '../database/entities.ts';
import type { PackageRepository } from '../packages/index.ts';
import type { StackStore } from '../stacks/store.ts';
import { statesOf } from './clusterState.ts';

const KILL_GRACE_MS = 10_000;
const START_WITHIN_MS = 600_000;

/** A host component in the state its job was planned for. */
interface Place {
  readonly state: ClusterState;
  readonly service: ServiceState;
  readonly hostComponent: HostComponentState;
}

type Places = ReadonlyMap<string, Place>;

/** All that an envelope is made of. */
interface Parts {
  readonly job: JobRow;
  readonly task: TaskRow;
  readonly attempt: number;
  readonly state: ClusterState;
  readonly service: ServiceState;
  readonly hostComponent: HostComponentState;
  readonly inputs: Inputs;
  /** Those that the host needs for this phase. */
  readonly packages: readonly PackageManifest[];
}

/** Builds envelopes from the snapshot that a job was stored with, so that later changes never reach into it. */
export class SnapshotEnvelopes implements EnvelopeSource {
  readonly #stacks: StackStore;
  readonly #packages: PackageRepository;
  readonly #present: (hostId: string) => Promise<ClusterState | undefined>;
  readonly #events: Pick<Events, 'append'>;
  readonly #log: Logger;
  readonly #artifactSizes = new Map<string, number>();
  /** By job, then by host component. */
  readonly #places = new Map<string, Places | Promise<Places>>();

  constructor(parts: {
    stacks: StackStore;
    packages: PackageRepository;
    /** The present state of the cluster a host is in. */
    present: (hostId: string) => Promise<ClusterState | undefined>;
    events: Pick<Events, 'append'>;
    log: Logger;
  }) {
    this.#stacks = parts.stacks;
    this.#packages = parts.packages;
    this.#present = parts.present;
    this.#events = parts.events;
    this.#log = parts.log;
  }

  async envelopeOf(job: JobRow, task: TaskRow, attempt: number, signal: AbortSignal): Promise<Envelope> {
    const parts = partsOf(await this.#placesOf(job), { job, task, attempt });
    const arch = parts.state.hosts.find(({ id }) => id === parts.hostComponent.hostId)?.arch;
    const artifactSize = await this.#artifactSize(parts.service.stack.digest);
    return envelopeOf(parts, artifactSize, await this.#packagesOf(parts.packages, { job, signal, arch }));
  }

  async foresee(job: JobRow): Promise<void> {
    await this.#placesOf(job);
  }

  envelopeNow(job: JobRow, task: TaskRow, attempt: number): Envelope | undefined {
    const places = this.#places.get(job.id);
    if (!places || places instanceof Promise) return undefined;
    const parts = partsOf(places, { job, task, attempt });
    const artifactSize = this.#artifactSizes.get(parts.service.stack.digest);
    if (artifactSize === undefined || parts.packages.length > 0) return undefined;
    return envelopeOf(parts, artifactSize, {});
  }

  release(jobId: string): void {
    this.#places.delete(jobId);
  }

  async watchedOn(hostId: string): Promise<WatchedComponent[]> {
    const state = await this.#present(hostId);
    if (!state) return [];
    const watched: WatchedComponent[] = [];
    for (const next of state.services) {
      for (const hostComponent of next.hostComponents.filter((each) => each.hostId === hostId)) {
        const { id, component } = hostComponent;
        const service = asRunBy(next, hostComponent);
        const artifactSize = await this.#artifactSize(service.stack.digest);
        const inputs = inputsOf(state, service, id);
        watched.push({
          hostComponentId: id,
          artifactDigest: service.stack.digest,
          artifactSize,
          service: service.name,
          component,
          self: wireSelf(inputs),
          values: maps(inputs.values),
        });
      }
    }
    return watched;
  }

  /** Artifacts never change under their digest, and looking on the disk for each task is a wait for each task. */
  async #artifactSize(digest: string): Promise<number> {
    const known = this.#artifactSizes.get(digest);
    if (known !== undefined) return known;
    const artifact = await this.#stacks.open(digest);
    if (artifact) this.#artifactSizes.set(digest, artifact.size);
    return artifact?.size ?? 0;
  }

  #placesOf(job: JobRow): Places | Promise<Places> {
    const known = this.#places.get(job.id);
    if (known) return known;
    const coming = statesOf(job.snapshot, this.#stacks).then(placesOf);
    this.#places.set(job.id, coming);
    const become = (places: Places | undefined): void => {
      // The job may have ended meanwhile.
      if (this.#places.get(job.id) !== coming) return;
      if (places) this.#places.set(job.id, places);
      else this.#places.delete(job.id);
    };
    coming.then(become, () => become(undefined));
    return coming;
  }

  /** Those for the processor of the host, which need not be that of the server. */
  async #packagesOf(
    descriptors: readonly PackageManifest[],
    { job, signal, arch }: { readonly job: JobRow; readonly signal: AbortSignal; readonly arch: string | undefined },
  ) {
    const refs: Record<string, { version: string; digest: string; size: number }> = {};
    for (const descriptor of descriptors) {
      const { name, version } = descriptor;
      const stored = await this.#packages.ensure(descriptor, {
        signal,
        arch,
        onProgress: ({ phase, bytes, total }) => {
          const counts = { ...(bytes === undefined ? {} : { bytes }), ...(total === undefined ? {} : { total }) };
          this.#events
            .append('package', job.clusterId, { kind: 'package', name, version, phase, ...counts })
            .catch((error: unknown) =>
              this.#log.warn({ err: error, package: name }, 'Progress of a package was not recorded'),
            );
        },
      });
      refs[name] = { version, digest: stored.digest, size: stored.size };
    }
    return refs;
  }
}

function partsOf(places: Places, { job, task, attempt }: Pick<Parts, 'job' | 'task' | 'attempt'>): Parts {
  const place = places.get(task.hostComponentId);
  if (!place)
    throw new Error(
      `Task ${task.id} is for the host component ${task.hostComponentId}, which its job's snapshot does not have.`,
    );
  const { state, service: next, hostComponent } = place;
  const service = serviceFor(job, task, next, hostComponent);
  const inputs = inputsOf(state, service, task.hostComponentId);
  const own = task.phase === 'install' || task.phase === 'start' ? service.manifest.packages : [];
  const packages = [...own, ...runtimeOf(task, state, inputs)];
  return { job, task, attempt, state, service, hostComponent, inputs, packages };
}

function envelopeOf(
  { job, task, attempt, state, service, hostComponent, inputs }: Parts,
  artifactSize: number,
  packages: NonNullable<Envelope['packages']>,
): Envelope {
  return {
    taskId: task.id,
    attempt,
    jobId: job.id,
    clusterId: job.clusterId,
    phase: task.phase,
    idempotent: task.idempotent,
    timeoutMs: task.timeoutMs,
    killGraceMs: KILL_GRACE_MS,
    startWithinMs: START_WITHIN_MS,
    artifactDigest: service.stack.digest,
    artifactSize,
    service: service.name,
    component: task.component,
    serviceUser: userOf(service.manifest, task.component),
    once: [...hostComponent.once],
    deleteData: task.deleteData,
    packages,
    expectedFiles: task.phase === 'configure' ? { ...job.snapshot.files[task.hostComponentId] } : {},
    ...wireInputs(inputs),
    ...askedOf({ state, service, job, task }),
  };
}

/**
 * The server's Java, where the host component runs by it: in all phases but those that need no Java, because the host may
 * have that of an older server only.
 */
function runtimeOf({ phase }: TaskRow, { javaRuntime }: ClusterState, { self }: Inputs): readonly PackageManifest[] {
  if (!javaRuntime || phase === 'stop' || phase === 'remove') return [];
  return self.javaHome === packageDir(self.root, javaRuntime.name, javaRuntime.version) ? [javaRuntime] : [];
}

/** What an action, or a decommission, is told beside the inputs that every phase gets. */
function askedOf({
  state,
  service,
  job,
  task,
}: Omit<Place, 'hostComponent'> & { readonly job: JobRow; readonly task: TaskRow }) {
  const { request, snapshot } = job;
  const { hostComponentId, phase } = task;
  if (phase === 'action' && request.command === 'action') {
    const input = toValueMap(actionInput(state, { service, hostComponentId, request }));
    return { action: { name: request.action, input } };
  }
  const ids = snapshot.drains?.[hostComponentId];
  if (!ids || (phase !== 'decommission' && phase !== 'recommission')) return {};
  const { component, instances } = drainOf(state, { service, hostComponentId, ids });
  return { drain: { component, instances: instances.map(wireInstance) } };
}

/** What a host component becomes wins over what it leaves. */
function placesOf({
  next,
  leaving,
}: {
  readonly next: ClusterState;
  readonly leaving: ClusterState;
}): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  for (const state of [leaving, next]) {
    for (const service of state.services) {
      for (const each of service.hostComponents) places.set(each.id, { state, service, hostComponent: each });
    }
  }
  return places;
}

/**
 * In which version a task runs: in that of its host component, but for what an upgrade does once that has been stopped,
 * or besides it.
 */
function serviceFor(
  { command }: JobRow,
  { phase }: TaskRow,
  service: ServiceState,
  hostComponent: HostComponentState,
): ServiceState {
  return command === 'upgrade' && phase !== 'stop' ? service : asRunBy(service, hostComponent);
}

function userOf({ user, components }: ServiceManifest, component: string): string {
  return components.find(({ name }) => name === component)?.user ?? user;
}

/** Inputs in the words of the protocol. */
function wireInputs(inputs: Inputs) {
  return {
    self: wireSelf(inputs),
    values: maps(inputs.values),
    instances: wireInstances(inputs.instances),
    imports: maps(inputs.imports),
    facts: inputs.facts,
  };
}

function wireSelf({
  self: { service: _service, component: _component, overrides: _overrides, javaHome, ...rest },
}: Inputs) {
  return { ...rest, ...(javaHome === undefined ? {} : { javaHome }) };
}

type WireInstances = NonNullable<Envelope['instances']>;
/** All host components of a service share their instances: a thousand envelopes hold the same object. */
const knownInstances = new WeakMap<Inputs['instances'], WireInstances>();

function wireInstances(instances: Inputs['instances']): WireInstances {
  let wired = knownInstances.get(instances);
  if (!wired) {
    wired = Object.fromEntries(
      Object.entries(instances).map(([component, items]) => [component, { items: items.map(wireInstance) }]),
    );
    knownInstances.set(instances, wired);
  }
  return wired;
}

function wireInstance({ host, address, ordinal, overrides, leaving }: Instance) {
  return { host, address, ordinal, overrides: maps(overrides ?? {}), ...(leaving ? { leaving } : {}) };
}

function maps(byName: Readonly<Record<string, Parameters<typeof toValueMap>[0]>>) {
  return Object.fromEntries(Object.entries(byName).map(([name, map]) => [name, toValueMap(map)]));
}
