import type { ClusterState, ServiceState } from '@stackyard/planner';
import { inputsOf } from '@stackyard/planner';
import type { Logger } from '@stackyard/kernel';
import { type Envelope, toValueMap, type WatchedComponent } from '@stackyard/proto';
import type { Inputs, Instance } from '@stackyard/sdk/manifest';
import type { Snapshot } from '../database/entities.ts';
import { type EnvelopeSource, type Events } from '../engine/ports.ts';
import type { JobRow, TaskRow } from '../database/entities.ts';
import type { PackageRepository } from '../packages/index.ts';
import type { StackStore } from '../stacks/store.ts';
import { statesOf } from './clusterState.ts';

const KILL_GRACE_MS = 10_000;
const START_WITHIN_MS = 600_000;

interface JobStates {
  readonly next: ClusterState;
  readonly leaving: ClusterState;
  readonly files: Snapshot['files'];
}

/** Builds envelopes from the snapshot that a job was stored with, so that later changes never reach into it. */
export class SnapshotEnvelopes implements EnvelopeSource {
  readonly #stacks: StackStore;
  readonly #packages: PackageRepository;
  readonly #snapshotOf: (jobId: string) => Promise<Snapshot>;
  readonly #present: (hostId: string) => Promise<ClusterState | undefined>;
  readonly #events: Pick<Events, 'append'>;
  readonly #log: Logger;
  readonly #states = new Map<string, Promise<JobStates>>();

  constructor(parts: {
    stacks: StackStore;
    packages: PackageRepository;
    snapshotOf: (jobId: string) => Promise<Snapshot>;
    /** The present state of the cluster a host is in. */
    present: (hostId: string) => Promise<ClusterState | undefined>;
    events: Pick<Events, 'append'>;
    log: Logger;
  }) {
    this.#stacks = parts.stacks;
    this.#packages = parts.packages;
    this.#snapshotOf = parts.snapshotOf;
    this.#present = parts.present;
    this.#events = parts.events;
    this.#log = parts.log;
  }

  async envelopeOf(job: JobRow, task: TaskRow, attempt: number, signal: AbortSignal): Promise<Envelope> {
    const states = await this.#statesOf(job.id);
    const { state, service } = place(states, task);
    const inputs = inputsOf(state, service, task.hostComponentId);
    const artifact = await this.#stacks.open(service.stack.digest);
    const needsPackages = task.phase === 'install' || task.phase === 'start';
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
      artifactSize: artifact?.size ?? 0,
      service: service.name,
      component: task.component,
      serviceUser: service.manifest.user,
      once: [...(service.hostComponents.find(({ id }) => id === task.hostComponentId)?.once ?? [])],
      deleteData: task.deleteData,
      packages: needsPackages ? await this.#packagesOf(service, job, signal) : {},
      expectedFiles: task.phase === 'configure' ? { ...states.files[task.hostComponentId] } : {},
      ...wireInputs(inputs),
    };
  }

  release(jobId: string): void {
    this.#states.delete(jobId);
  }

  async watchedOn(hostId: string): Promise<WatchedComponent[]> {
    const state = await this.#present(hostId);
    if (!state) return [];
    const watched: WatchedComponent[] = [];
    for (const service of state.services) {
      const artifact = await this.#stacks.open(service.stack.digest);
      for (const { id, component } of service.hostComponents.filter((each) => each.hostId === hostId)) {
        const { self, values } = wireInputs(inputsOf(state, service, id));
        watched.push({ hostComponentId: id, artifactDigest: service.stack.digest, artifactSize: artifact?.size ?? 0, service: service.name, component, self, values });
      }
    }
    return watched;
  }

  #statesOf(jobId: string): Promise<JobStates> {
    let states = this.#states.get(jobId);
    if (!states) {
      states = this.#snapshotOf(jobId).then(async (snapshot) => ({ ...(await statesOf(snapshot, this.#stacks)), files: snapshot.files }));
      states.catch(() => this.#states.delete(jobId));
      this.#states.set(jobId, states);
    }
    return states;
  }

  async #packagesOf(service: ServiceState, job: JobRow, signal: AbortSignal) {
    const refs: Record<string, { version: string; digest: string; size: number }> = {};
    for (const descriptor of service.manifest.packages) {
      const { name, version } = descriptor;
      const stored = await this.#packages.ensure(descriptor, {
        signal,
        onProgress: ({ phase, bytes, total }) => {
          const counts = { ...(bytes === undefined ? {} : { bytes }), ...(total === undefined ? {} : { total }) };
          this.#events
            .append('package', job.clusterId, { kind: 'package', name, version, phase, ...counts })
            .catch((error: unknown) => this.#log.warn({ err: error, package: name }, 'Progress of a package was not recorded'));
        },
      });
      refs[name] = { version, digest: stored.digest, size: stored.size };
    }
    return refs;
  }
}

function place({ next, leaving }: JobStates, task: TaskRow): { state: ClusterState; service: ServiceState } {
  for (const state of [next, leaving]) {
    const service = state.services.find(({ hostComponents }) => hostComponents.some(({ id }) => id === task.hostComponentId));
    if (service) return { state, service };
  }
  throw new Error(`Task ${task.id} is for the host component ${task.hostComponentId}, which its job's snapshot does not have.`);
}

/** Inputs in the words of the protocol. */
function wireInputs({ self, values, instances, imports, facts }: Inputs) {
  const { service: _service, component: _component, overrides: _overrides, javaHome, ...rest } = self;
  return {
    self: { ...rest, ...(javaHome === undefined ? {} : { javaHome }) },
    values: maps(values),
    instances: Object.fromEntries(Object.entries(instances).map(([component, items]) => [component, { items: items.map(wireInstance) }])),
    imports: maps(imports),
    facts,
  };
}

function wireInstance({ host, address, ordinal, overrides }: Instance) {
  return { host, address, ordinal, overrides: maps(overrides ?? {}) };
}

function maps(byName: Readonly<Record<string, Parameters<typeof toValueMap>[0]>>) {
  return Object.fromEntries(Object.entries(byName).map(([name, map]) => [name, toValueMap(map)]));
}
