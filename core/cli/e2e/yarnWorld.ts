import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { ComponentAnswer, JobAnswer } from './api.ts';
import { signal, until, type World } from './world.ts';

/** Beside the profile `small`: a disk of a test machine may be fuller than one of a cluster. */
export const smallYarn = { 'yarn-site.xml': { diskLimit: 99, nodeExpiry: 20_000 } };

type Values = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface Application {
  readonly id: string;
  readonly state: string;
  readonly finalStatus: string;
  readonly queue: string;
  readonly progress: number;
  readonly runningContainers: number;
}

/** A real YARN in a world, as operators and programs see it. */
export class Yarn {
  readonly world: World;
  readonly cluster: string;

  constructor(world: World, cluster: string) {
    this.world = world;
    this.cluster = cluster;
  }

  async succeed(command: unknown): Promise<JobAnswer> {
    return this.succeeded(await this.world.api.run(this.cluster, command));
  }

  async succeeded(job: JobAnswer): Promise<JobAnswer> {
    if (job.state !== 'SUCCESSFUL')
      throw new Error(`${job.title} is ${job.state}.\n${await this.world.api.story(job.id)}`);
    return job;
  }

  /** Runs the service with these values of a config beside those that it has. */
  async configure(config: string, values: object): Promise<JobAnswer> {
    const now = await this.world.api.get<{ values: Values }>(`/clusters/${this.cluster}/services/yarn/config`);
    const next = { ...now.values, [config]: { ...now.values[config], ...values } };
    return this.world.api.run(this.cluster, { command: 'configure', target: { service: 'yarn' }, config: next });
  }

  /** What the action gave back on its first host. */
  async action(name: string, input: object = {}, more: object = {}): Promise<unknown> {
    const target = { service: 'yarn', component: 'resourcemanager' };
    const { id } = await this.succeed({ command: 'action', target, action: name, input, ...more });
    const [task] = await this.world.api.tasks(id);
    const { items } = await this.world.api.get<{ items: { result: unknown }[] }>(`/tasks/${task!.id}/attempts`);
    return items.at(-1)?.result;
  }

  /** Runs the command line of a host's client; what it printed when it has ended well. */
  submit(host: string, ...args: readonly string[]): Promise<string> {
    const script = join(this.world.host(host).root, 'etc/stackyard/yarn/yarn_client/yarn.sh');
    const env = { ...process.env, YARN_CLIENT_OPTS: '-Xmx96m' };
    return new Promise((resolve, reject) => {
      execFile(script, args, { env, cwd: this.world.dir, maxBuffer: 10 ** 7 }, (error, out, err) =>
        error ? reject(new Error(`${error.message}\n${out}\n${err}`)) : resolve(`${out}\n${err}`),
      );
    });
  }

  /** What the ResourceManager on a host answers. */
  async rest<T>(host: string, path: string): Promise<T> {
    const answer = await fetch(`http://${this.world.host(host).address}:8088/ws/v1/cluster${path}`);
    if (!answer.ok) throw new Error(`${host} answers ${answer.status} to ${path}.`);
    return (await answer.json()) as T;
  }

  async applications(host: string): Promise<readonly Application[]> {
    const { apps } = await this.rest<{ apps: { app?: Application[] } | null }>(host, '/apps');
    return apps?.app ?? [];
  }

  /** Waits until so many containers of an application run, and gives the application. */
  async untilRuns(host: string, containers: number): Promise<Application> {
    let found: Application | undefined;
    await until(`an application runs in ${containers} containers`, async () => {
      const all = await this.applications(host).catch(() => []);
      found = all.find(({ state, runningContainers }) => state === 'RUNNING' && runningContainers >= containers);
      return found !== undefined;
    });
    return found!;
  }

  async component(component: string, host: string): Promise<ComponentAnswer> {
    const all = await this.world.api.components(this.cluster, `&component=${component}`);
    const found = all.find((each) => each.host === host);
    if (!found) throw new Error(`There is no ${component} on ${host}.`);
    return found;
  }

  /** Kills a process as a crash would; answers what was there before. */
  async crash(component: string, host: string): Promise<ComponentAnswer> {
    const before = await this.component(component, host);
    signal(before.pid ?? 0, 'SIGKILL');
    return before;
  }

  async untilBack(before: ComponentAnswer): Promise<void> {
    await until(`${before.component} on ${before.host} runs again as another process`, async () => {
      const { observed, pid, restarts } = await this.component(before.component, before.host);
      return observed === 'RUNNING' && pid !== before.pid && restarts > before.restarts;
    });
  }

  async untilHealthy(components: number): Promise<void> {
    await until(`${components} components of YARN are RUNNING`, async () => {
      const all = await this.world.api.components(this.cluster, '&service=yarn');
      return all.filter(({ observed }) => observed === 'RUNNING').length === components;
    });
  }
}
