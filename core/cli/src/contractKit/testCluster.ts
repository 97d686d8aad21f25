import { type Api, answerOf } from '../api/client.ts';
import type { CommandRequest, HostComponent, PlanView, Values } from '../api/types.ts';
import { listComponents } from '../commands/component.ts';
import { makePlan } from '../commands/execute.ts';
import { clientsOf } from '../commands/service.ts';
import { CliError } from '../errors.ts';
import { readTasks } from '../jobs/follow.ts';
import { lastAttempt } from '../jobs/outcome.ts';
import { until } from './until.ts';

const HEALTHY_MS = 180_000;

/** The cluster that a stack is tested in, through the REST API as anybody would. */
export class TestCluster {
  readonly api: Api;
  readonly name: string;

  constructor(api: Api, name: string) {
    this.api = api;
    this.name = name;
  }

  async create(hosts: readonly string[]): Promise<void> {
    await answerOf(this.api.POST('/api/v1/clusters', { body: { name: this.name, hosts: [...hosts] } }));
  }

  plan(request: CommandRequest): Promise<{ readonly id: string; readonly plan: PlanView }> {
    return makePlan(this.api, this.name, request);
  }

  /** Plans and runs a command to its end. @throws CliError that tells which tasks failed and why */
  async run(request: CommandRequest): Promise<PlanView> {
    const { id, plan } = await this.plan(request);
    const job = await answerOf(
      this.api.POST('/api/v1/plans/{plan}/execute', { params: { path: { plan: id } }, body: {} }),
    );
    const ended = await this.#untilEnded(job.id);
    if (ended.state !== 'SUCCESSFUL')
      throw new CliError(`${ended.title} ended ${ended.state}: ${await this.#why(job.id)}`);
    return plan;
  }

  async #untilEnded(id: string) {
    for (;;) {
      const path = { job: id };
      const job = await answerOf(this.api.GET('/api/v1/jobs/{job}', { params: { path, query: { wait: '30s' } } }));
      if (job.finishedAt) return job;
    }
  }

  async #why(jobId: string): Promise<string> {
    const failed = await readTasks(this.api, jobId, 'FAILED');
    const reasons = failed.map(async ({ id, component, host, phase }) => {
      const attempt = await lastAttempt(this.api, id);
      return `${phase} of ${component} on ${host}: ${attempt?.message || attempt?.reason || 'no reason was given'}`;
    });
    return (await Promise.all(reasons)).join('; ') || 'no task tells why';
  }

  components(service: string): Promise<HostComponent[]> {
    return listComponents(this.api, this.name, { service });
  }

  /** Host components of a service that have a process. */
  async processes(service: string): Promise<HostComponent[]> {
    const clients = await clientsOf(this.api);
    return (await this.components(service)).filter(({ component }) => !clients.has(component));
  }

  /** Every process runs and is well. @throws CliError */
  async untilHealthy(service: string): Promise<readonly HostComponent[]> {
    return until(HEALTHY_MS, async () => {
      const all = await this.processes(service);
      const sick = all.filter(({ observed }) => observed !== 'RUNNING');
      if (sick.length === 0) return all;
      throw new CliError(
        sick
          .map(({ component, host, observed, message }) => `${component} on ${host} is ${observed}: ${message}`)
          .join('; '),
      );
    });
  }

  async values(service: string): Promise<Values> {
    const path = { cluster: this.name, service };
    return (await answerOf(this.api.GET('/api/v1/clusters/{cluster}/services/{service}/config', { params: { path } })))
      .values;
  }
}
