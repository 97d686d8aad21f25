import { type Api, allOf, answerOf } from '../api/client.ts';
import { streamOf } from '../api/events.ts';
import type { CommandRequest, HostComponent, Job, JoinToken } from '../api/types.ts';
import { listComponents } from '../commands/component.ts';
import { makePlan } from '../commands/execute.ts';
import { listJobs } from '../commands/job.ts';
import { clientsOf } from '../commands/service.ts';
import { CancelledError, CliError, JobEndedError, ProblemError } from '../errors.ts';
import { exitCodeOfJob } from '../exitCodes.ts';
import { followJob } from '../jobs/follow.ts';
import { reportOutcome } from '../jobs/outcome.ts';
import { listenerFor } from '../jobs/run.ts';
import type { Terminal } from '../output/terminal.ts';
import type { LocalHost } from './programs.ts';
import type { DemoStack } from './stacks.ts';

export const CLUSTER = 'demo';
const SERVICE = 'zookeeper';
const SERVER = 'zookeeper_server';
const SETTLING_MS = 15_000;
/** Everything shares one machine. */
const PROFILE = 'small';
const HEALTHY_MS = 300_000;

/** Everything that the demo does to its cluster, through the REST API as anybody would. */
export class DemoCluster {
  readonly #api: Api;
  readonly #terminal: Terminal;
  readonly #signal: AbortSignal;

  constructor(api: Api, terminal: Terminal, signal: AbortSignal) {
    this.#api = api;
    this.#terminal = terminal;
    this.#signal = signal;
  }

  async joinToken(hostName: string): Promise<JoinToken> {
    return answerOf(this.#api.POST('/api/v1/hosts/tokens', { body: { hostName } }));
  }

  /** @throws CliError when not all have come */
  async untilReachable(hosts: readonly LocalHost[]): Promise<void> {
    await this.#until('host', 60_000, async () => {
      const known = await allOf((query) => this.#api.GET('/api/v1/hosts', { params: { query } }));
      const missing = hosts.filter(({ name }) => !known.some((host) => host.name === name && host.reachable));
      return missing.length === 0 ? undefined : `${missing.map(({ name }) => name).join(', ')} did not connect`;
    });
  }

  /** Creates the cluster, or puts hosts into it that are new. @returns the names of the new ones */
  async ensureCluster(hosts: readonly LocalHost[]): Promise<string[]> {
    const names = hosts.map(({ name }) => name);
    const clusters = await allOf((query) => this.#api.GET('/api/v1/clusters', { params: { query } }));
    if (!clusters.some(({ name }) => name === CLUSTER)) {
      await answerOf(this.#api.POST('/api/v1/clusters', { body: { name: CLUSTER, title: 'Demo', hosts: names } }));
      return names;
    }
    const inside = await allOf((query) =>
      this.#api.GET('/api/v1/hosts', { params: { query: { ...query, cluster: CLUSTER } } }),
    );
    const missing = names.filter((name) => !inside.some((host) => host.name === name));
    if (missing.length > 0) {
      await answerOf(
        this.#api.POST('/api/v1/clusters/{cluster}/hosts', {
          params: { path: { cluster: CLUSTER } },
          body: { hosts: missing },
        }),
      );
    }
    return missing;
  }

  /** Brings everything up from whatever state an earlier start left: installs, goes on, extends or starts. */
  async bringUp(newHosts: readonly string[], stacks: readonly DemoStack[]): Promise<void> {
    for (const job of (await listJobs(this.#api, { cluster: CLUSTER, state: 'PENDING,RUNNING', atMost: 50 })).reverse())
      await this.#watch(job.id);
    const failed = await this.#failedInstallation();
    if (failed) await this.#repair(failed);
    const known = await listComponents(this.#api, CLUSTER);
    const additions = [
      ...(await this.#newServices(stacks, new Set(known.map(({ service }) => service)))),
      ...newMembers(known, newHosts),
    ];
    if (additions.length > 0) await this.#run({ command: 'add', services: additions });
    await this.#untilSettled();
    if ((await this.#notRunning()).some(({ observed }) => observed !== 'STARTING' && observed !== 'UNHEALTHY'))
      await this.#run({ command: 'start', target: {} });
  }

  /** The services of the stacks that the cluster does not have yet, in the sizes that suit one machine. */
  async #newServices(stacks: readonly DemoStack[], there: ReadonlySet<string>): Promise<Addition[]> {
    const offered = await allOf((query) => this.#api.GET('/api/v1/stacks', { params: { query } }));
    const hosts = await this.#hostNames();
    return stacks.flatMap(({ name }) => {
      const newest = offered.filter((stack) => stack.name === name).at(-1);
      return (newest?.services ?? [])
        .filter((service) => !there.has(service.name))
        .map(({ name: service, profiles }) => ({
          service,
          ...(profiles.some((profile) => profile.name === PROFILE) ? { profile: PROFILE } : {}),
          ...(service === SERVICE ? { components: ensembleOn(hosts) } : {}),
        }));
    });
  }

  /** @throws CliError when a process is not running after five minutes */
  async untilHealthy(): Promise<HostComponent[]> {
    await this.#until('component', HEALTHY_MS, async () => {
      const sick = await this.#notRunning();
      return sick.length === 0
        ? undefined
        : sick
            .map(
              ({ component, host, observed, message }) =>
                `${component} on ${host} is ${observed}${message ? ` (${message})` : ''}`,
            )
            .join(', ');
    });
    return listComponents(this.#api, CLUSTER);
  }

  async exports(): Promise<Record<string, Record<string, unknown>>> {
    return answerOf(this.#api.GET('/api/v1/clusters/{cluster}/exports', { params: { path: { cluster: CLUSTER } } }));
  }

  /** Cancels what is being done and stops every service, in order. */
  async stopServices(): Promise<void> {
    const clusters = await allOf((query) => this.#api.GET('/api/v1/clusters', { params: { query } }));
    if (!clusters.some(({ name }) => name === CLUSTER)) return;
    for (const { id } of await listJobs(this.#api, { cluster: CLUSTER, state: 'PENDING,RUNNING', atMost: 50 })) {
      await answerOf(this.#api.POST('/api/v1/jobs/{job}/cancel', { params: { path: { job: id } } }));
      // A task that is ended may have started something a moment before.
      await answerOf(this.#api.GET('/api/v1/jobs/{job}', { params: { path: { job: id }, query: { wait: '30s' } } }));
    }
    const processes = (await listComponents(this.#api, CLUSTER)).filter(
      ({ desired, observed }) => desired === 'RUNNING' || observed !== 'STOPPED',
    );
    if (processes.length > 0) await this.#run({ command: 'stop', target: {} });
  }

  /** What runs already is seen anew by the agents first, so that nothing is started beside it. */
  async #untilSettled(): Promise<void> {
    const unsettled = async (): Promise<string | undefined> => {
      const sick = await this.#notRunning();
      return sick.some(({ observed }) => observed === 'STARTING' || observed === 'UNKNOWN')
        ? 'something is not settled'
        : undefined;
    };
    await this.#until('component', SETTLING_MS, unsettled).catch((error: unknown) => {
      if (error instanceof CancelledError) throw error;
    });
  }

  async #hostNames(): Promise<string[]> {
    return (
      await allOf((query) => this.#api.GET('/api/v1/hosts', { params: { query: { ...query, cluster: CLUSTER } } }))
    ).map(({ name }) => name);
  }

  /** The newest installation, when it did not succeed and none after it did. */
  async #failedInstallation(): Promise<Job | undefined> {
    const newest = (await listJobs(this.#api, { cluster: CLUSTER, atMost: 200 })).find(
      ({ command }) => command === 'add' || command === 'remove',
    );
    return newest?.command === 'add' && newest.state !== 'SUCCESSFUL' ? newest : undefined;
  }

  async #repair({ id }: Job): Promise<void> {
    this.#terminal.err('The last installation did not succeed; what is left of it is run again.\n');
    try {
      await answerOf(this.#api.POST('/api/v1/jobs/{job}/retry', { params: { path: { job: id } } }));
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      this.#terminal.err(`${error.message} So it is removed, its data kept, and made anew.\n`);
      const unfinished = (await listComponents(this.#api, CLUSTER)).filter(({ desired }) => desired === 'ABSENT');
      for (const service of new Set(unfinished.map((each) => each.service)))
        await this.#run({ command: 'remove', target: { service }, data: 'keep' });
      return undefined;
    }
    await this.#watch(id);
  }

  /** Host components that should run and do not; clients have no process. */
  async #notRunning(): Promise<HostComponent[]> {
    const clients = await clientsOf(this.#api);
    return (await listComponents(this.#api, CLUSTER)).filter(
      ({ component, observed }) => !clients.has(component) && observed !== 'RUNNING',
    );
  }

  async #run(request: CommandRequest): Promise<void> {
    const plan = await makePlan(this.#api, CLUSTER, request);
    if (plan.plan.tasks.length === 0) return;
    const job = await answerOf(
      this.#api.POST('/api/v1/plans/{plan}/execute', { params: { path: { plan: plan.id } }, body: {} }),
    );
    await this.#watch(job.id);
  }

  async #watch(jobId: string): Promise<void> {
    const ended = await followJob(this.#api, jobId, listenerFor(this.#terminal), this.#signal);
    if (!ended) throw new CancelledError('');
    await reportOutcome(this.#api, this.#terminal, ended.job, ended.tasks);
    const code = exitCodeOfJob(ended.job.state);
    if (code !== 0) throw new JobEndedError('', code);
  }

  /** Waits for a condition that can only change with an event of a topic. `look` says what is missing. */
  async #until(topic: string, limitMs: number, look: () => Promise<string | undefined>): Promise<void> {
    const limit = AbortSignal.timeout(limitMs);
    const signal = AbortSignal.any([this.#signal, limit]);
    let missing: string | undefined;
    for await (const _ of streamOf(this.#api.connection, `/api/v1/events?topics=${topic}`, { signal })) {
      missing = await look();
      if (missing === undefined) return;
    }
    if (this.#signal.aborted) throw new CancelledError('');
    throw new CliError(`After ${limitMs / 1000} s: ${missing}.`);
  }
}

type Addition = Extract<CommandRequest, { command: 'add' }>['services'][number];

/** A member on every host, and the command line client on one. */
function ensembleOn(hosts: readonly string[]): Record<string, string[]> {
  const [client] = hosts;
  return { [SERVER]: [...hosts], ...(client ? { zookeeper_client: [client] } : {}) };
}

/** An ensemble that is there grows on hosts that are new. */
function newMembers(known: readonly HostComponent[], newHosts: readonly string[]): Addition[] {
  const members = known.filter(({ component }) => component === SERVER);
  const hosts = newHosts.filter((name) => !members.some(({ host }) => host === name));
  return members.length > 0 && hosts.length > 0 ? [{ service: SERVICE, components: { [SERVER]: hosts } }] : [];
}
