import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Api, allOf, answerOf, apiOf } from '../api/client.ts';
import { readToken } from '../connection/connection.ts';
import { killManaged } from '../demo/leftBehind.ts';
import { type DemoLayout, openLayout } from '../demo/layout.ts';
import { freePort } from '../demo/ports.ts';
import { Running } from '../demo/processes.ts';
import {
  agentCommand,
  agentProgram,
  type LocalHost,
  localHosts,
  serverProgram,
  startServerProcess,
} from '../demo/programs.ts';
import { CliError } from '../errors.ts';
import { until } from './until.ts';

export interface SiteOptions {
  /** Folders, packages or built artifacts. */
  readonly stacks: readonly string[];
  readonly hosts: number;
  readonly packageOrigin?: string | undefined;
  /** Where everything is kept; a directory that is removed at the end when absent. */
  readonly dataDir?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A server and a few agents on this machine, for one test; each host has a root and a loopback address of its own. */
export class LocalSite {
  readonly api: Api;
  readonly url: string;
  readonly tokenFile: string;
  readonly hosts: readonly LocalHost[];
  readonly layout: DemoLayout;
  readonly #running: Running[];
  readonly #kept: boolean;

  private constructor(parts: {
    api: Api;
    url: string;
    tokenFile: string;
    hosts: readonly LocalHost[];
    layout: DemoLayout;
    running: Running[];
    kept: boolean;
  }) {
    this.api = parts.api;
    this.url = parts.url;
    this.tokenFile = parts.tokenFile;
    this.hosts = parts.hosts;
    this.layout = parts.layout;
    this.#running = parts.running;
    this.#kept = parts.kept;
  }

  /** @throws CliError when server or agents do not start; nothing of them is left then */
  static async start({ stacks, hosts: count, packageOrigin, dataDir, env }: SiteOptions): Promise<LocalSite> {
    const layout = openLayout(dataDir ?? (await mkdtemp(join(tmpdir(), 'stackyard-site-'))));
    // A block of loopback addresses for this process, so that two tests never meet on a port.
    const hosts = localHosts(count, `127.${60 + (process.pid % 60)}.${Math.floor(process.pid / 60) % 250}.11`);
    const running: Running[] = [];
    const site = { hosts, layout, running, kept: dataDir !== undefined };
    try {
      const ports = {
        port: await freePort('127.0.0.1'),
        agentPort: await freePort('127.0.0.1'),
        enrolmentPort: await freePort('127.0.0.1'),
      };
      const [command, server] = await Promise.all([
        agentCommand(),
        startServerProcess(serverProgram(layout, { ...ports, packageOrigin, stacks, env })),
      ]);
      running.push(server.running);
      const { url, tokenFile } = server.address;
      const api = apiOf({ url, token: await readToken(tokenFile) });
      // What is tried here was built here, and is signed by nobody yet.
      await answerOf(api.PUT('/api/v1/trust/policy/{policy}', { params: { path: { policy: 'any' } } }));
      for (const host of hosts) {
        const ticket = await answerOf(api.POST('/api/v1/hosts/tokens', { body: { hostName: host.name } }));
        running.push(new Running(agentProgram(layout, { host, command, ticket, env })));
      }
      await untilReachable(api, hosts);
      return new LocalSite({ ...site, api, url, tokenFile });
    } catch (error) {
      await new LocalSite({ ...site, api: apiOf({ url: '', token: undefined }), url: '', tokenFile: '' }).stop();
      throw error;
    }
  }

  rootOf(host: string): string {
    return this.layout.host(host);
  }

  /** Ends agents, what they left running, and the server; removes the directory unless it was given. */
  async stop(): Promise<void> {
    const [server, ...agents] = this.#running;
    await Promise.all(agents.map((agent) => agent.stop({ graceMs: 10_000 })));
    await killManaged(this.layout.dir);
    await server?.stop({ graceMs: 30_000 });
    if (!this.#kept) await rm(this.layout.dir, { recursive: true, force: true });
  }
}

async function untilReachable(api: Api, hosts: readonly LocalHost[]): Promise<void> {
  await until(60_000, async () => {
    const known = await allOf((query) => api.GET('/api/v1/hosts', { params: { query } }));
    const missing = hosts.filter(({ name }) => !known.some((host) => host.name === name && host.reachable));
    if (missing.length > 0) throw new CliError(`${missing.map(({ name }) => name).join(', ')} did not connect`);
  });
}
